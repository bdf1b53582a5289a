//! `init` as a process sees it, from what a child process writes.

use std::time::Duration;

use septet_telemetry::{Config, LogFormat, TelemetryError, init, propagation};

use crate::in_child;

#[test]
fn json_lines_on_standard_error_carry_service_and_trace_id() {
    let Some(output) = in_child("init::json_lines_on_standard_error_carry_service_and_trace_id") else {
        let filter = "warn,telemetry::init=info".to_owned();
        let config = Config { log_filter: filter, log_format: Some(LogFormat::Json), ..Config::default() };
        let _guard = init(&config, "docs", "1.0.0", "replica-7").unwrap();
        let span = tracing::info_span!("render", page = "intro", late = tracing::field::Empty);
        span.in_scope(|| {
            span.record("late", 3);
            println!("TRACEPARENT {}", propagation::current_traceparent().unwrap());
            tracing::warn!(count = 2, ok = true, text = "x".repeat(100_000), "rendered \"it\"\nat last");
            tracing::debug!("filtered out");
            tracing::info!(target: "h2::frame", "noise");
        });
        tracing::info_span!("other", service = "review").in_scope(|| tracing::info!("from the neighbour"));
        tracing::info!("outside");
        return;
    };
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains("rendered"), "logs never go to standard output");
    let traceparent = stdout.split("TRACEPARENT ").nth(1).unwrap().lines().next().unwrap();
    let trace_id = traceparent.split('-').nth(1).unwrap();

    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<serde_json::Value> = stderr
        .lines()
        .filter(|l| l.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    let inside = &lines[0];
    assert_eq!(inside["trace_id"], trace_id);
    assert_eq!(inside["span_id"], traceparent.split('-').nth(2).unwrap());
    assert_eq!(inside["service"], "docs");
    assert_eq!(inside["level"], "WARN");
    assert_eq!(inside["message"], "rendered \"it\"\nat last");
    assert_eq!((&inside["fields"]["count"], &inside["fields"]["ok"]), (&2.into(), &true.into()));
    assert!(inside["fields"]["text"].as_str().unwrap().len() < 9000, "long values are cut");
    assert_eq!(inside["spans"], serde_json::json!([{"name": "render", "page": "intro", "late": 3}]));
    assert!(inside["timestamp"].as_str().unwrap().starts_with("20"));
    assert_eq!(
        (&lines[1]["service"], &lines[1]["message"]),
        (&"review".into(), &"from the neighbour".into())
    );
    assert_eq!((lines[2].get("trace_id"), &lines[2]["message"]), (None, &"outside".into()));
}

#[test]
fn text_lines_go_to_standard_error_too() {
    let Some(output) = in_child("init::text_lines_go_to_standard_error_too") else {
        let config = Config { log_format: Some(LogFormat::Text), ..Config::default() };
        let guard = init(&config, "docs", "1.0.0", "replica-7").unwrap();
        tracing::info!(count = 2, "rendered");
        assert!(guard.shutdown(Duration::from_secs(1)), "there is nothing to lose");
        return;
    };
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stderr.contains("rendered count=2"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "no colours where there is no terminal");
    assert!(!stdout.contains("rendered"));
}

#[test]
fn a_second_init_says_so_and_leaves_the_first_in_force() {
    let Some(output) = in_child("init::a_second_init_says_so_and_leaves_the_first_in_force") else {
        let config = Config { log_format: Some(LogFormat::Text), ..Config::default() };
        let _guard = init(&config, "docs", "1.0.0", "a").unwrap();
        let error = init(&config, "docs", "1.0.0", "b").unwrap_err();
        assert!(matches!(error, TelemetryError::AlreadyInitialised), "{error}");
        tracing::info!("still here");
        return;
    };
    assert!(String::from_utf8(output.stderr).unwrap().contains("still here"));
}

#[test]
fn an_endpoint_outside_a_runtime_is_an_error_and_no_panic() {
    let config = Config { otlp_endpoint: Some("http://127.0.0.1:1".into()), ..Config::default() };
    let error = init(&config, "docs", "1.0.0", "a").unwrap_err();
    assert!(matches!(error, TelemetryError::NoRuntime), "{error}");
}

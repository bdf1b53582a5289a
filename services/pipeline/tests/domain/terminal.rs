//! Runs in memory, with real programs.

use septet_pipeline::{
    Isolation, ProcessConfig,
    definition::Pipeline,
    local::{self, Allowed, Ended},
};
use septet_proto_pipeline::v1::RunState;
use serde_json::json;

async fn run(yaml: &str, allowed: Allowed) -> Ended {
    local::run(Pipeline::parse(yaml).unwrap(), Default::default(), allowed, |_| {}).await.unwrap()
}

fn programs(isolation: Isolation) -> Allowed {
    let processes = ProcessConfig { enabled: true, isolation, ..ProcessConfig::default() };
    Allowed { processes: Some(processes), private_addresses: false }
}

#[tokio::test]
async fn tasks_pass_their_outputs_on() {
    let ended = run(
        r#"
name: p
tasks:
  numbers: { transform: { input: [3, 4], filter: "map(. * 2)" } }
  sum: { needs: [numbers], transform: { input: "${{ tasks.numbers.outputs }}", filter: add } }
  large: { needs: [sum], when: tasks.sum.outputs > 100, wait: { for: 1s } }
  told: { needs: [sum, large], publish: { event: done, data: { sum: "${{ tasks.sum.outputs }}" } } }
"#,
        Allowed::default(),
    )
    .await;
    assert_eq!(ended.state, RunState::Succeeded, "{ended:#?}");
    let step = |name: &str| ended.steps.iter().find(|step| step.name == name).unwrap();
    assert_eq!(step("sum").outputs, json!(14));
    assert_eq!(step("large").state, RunState::Skipped);
    assert_eq!(step("told").state, RunState::Succeeded);
}

#[tokio::test]
async fn a_program_runs_apart_with_its_own_surroundings() {
    let ended = run(
        r#"
name: p
tasks:
  look:
    process:
      commands:
        - [sh, -c, "echo kept > file; echo '{\"a\":1}' > answer; echo words >&2"]
        - [sh, -c, "cat file; env | cut -d= -f1 | sort | tr '\\n' ' '; echo"]
        - [sh, -c, "echo interfaces $(grep -c : /proc/net/dev) processes $(ls /proc | grep -c '^[0-9]')"]
        - [cat, answer]
      env: { OWN: x }
"#,
        programs(Isolation::Namespaces),
    )
    .await;
    let step = &ended.steps[0];
    if step.reason.contains("does not let programs into namespaces") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{}", step.reason);
        eprintln!("SKIPPED namespaces: {}", step.reason);
        return;
    }
    assert_eq!(ended.state, RunState::Succeeded, "{ended:#?}");
    assert_eq!(step.outputs["json"], json!({ "a": 1 }), "the last command's");
    let log = &step.log;
    assert!(log.contains("kept") && log.contains("words"), "{log}");
    let names = log.lines().find(|line| line.contains("HOME")).unwrap();
    assert!(names.contains("OWN") && names.contains("SEPTET_RUN_ID"), "{names}");
    assert!(!names.contains("CARGO"), "nothing of this process's environment: {names}");
    let seen: Vec<_> = log.lines().find(|line| line.starts_with("interfaces")).unwrap().split(' ').collect();
    assert_eq!(seen[1], "1", "the namespace's own loopback, and nothing else: {log}");
    assert!(seen[3].parse::<u32>().unwrap() < 10, "no sight of other processes: {log}");
}

#[tokio::test]
async fn a_program_that_takes_too_long_ends_with_all_that_it_started() {
    let marker = format!("{}", uuid_like());
    let started = std::time::Instant::now();
    let ended = run(
        &format!(
            "
name: p
tasks:
  stuck:
    timeout: 1s
    process: {{ argv: [sh, -c, 'echo begun; sleep {marker} & sleep {marker}'] }}
"
        ),
        programs(Isolation::None),
    )
    .await;
    assert_eq!(ended.state, RunState::Failed);
    assert!(ended.steps[0].reason.contains("ran out of time"), "{ended:#?}");
    assert!(ended.steps[0].log.contains("begun"), "{ended:#?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
    let mut left = String::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.trim() == format!("sleep {marker}") {
            left.push_str(&line);
        }
    }
    assert_eq!(left, "", "nothing is left running");
}

/// Seconds that no other test's program sleeps.
fn uuid_like() -> u64 {
    700_000 + u64::from(std::process::id())
}

#[tokio::test]
async fn what_a_program_writes_is_bounded_and_its_failure_told() {
    let ended = run(
        "
name: p
tasks:
  loud: { process: { argv: [sh, -c, 'yes | head -c 3000000'] } }
  wrong: { process: { argv: [sh, -c, 'echo why >&2; exit 7'] } }
  absent: { process: { argv: [no-such-program-anywhere] } }
",
        programs(Isolation::None),
    )
    .await;
    let step = |name: &str| ended.steps.iter().find(|step| step.name == name).unwrap();
    assert_eq!(step("loud").outputs["stdout"].as_str().unwrap().len(), 64 << 10);
    assert_eq!(step("loud").outputs["is_cut"], json!(true));
    assert!(step("loud").log.len() <= 16 << 10);
    assert!(step("wrong").reason.contains("ended with 7") && step("wrong").log.contains("why"));
    assert_eq!(step("absent").state, RunState::Failed);
}

#[tokio::test]
async fn what_is_not_allowed_is_refused() {
    let process = "name: p\ntasks:\n  a: { process: { argv: [ls] } }\n";
    let ended = run(process, Allowed::default()).await;
    assert!(ended.steps[0].reason.contains("pipeline.process.enabled"), "{ended:#?}");
    for url in ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "http://169.254.169.254/"] {
        let ended =
            run(&format!("name: p\ntasks:\n  a: {{ http: {{ url: '{url}' }} }}\n"), Allowed::default()).await;
        assert!(ended.steps[0].reason.contains("no public address"), "{url}: {ended:#?}");
    }
    for (task, word) in [
        ("grpc: { call: devops.GetChange }", "submit it"),
        ("wait: { event: septet.soc.v1.AlertRaised }", "hears none"),
    ] {
        let pipeline = Pipeline::parse(&format!("name: p\ntasks:\n  a: {{ {task} }}\n")).unwrap();
        let error = local::check(&pipeline).unwrap_err().to_string();
        assert!(error.contains("task a") && error.contains(word), "{error}");
    }
}

//! What a definition may say, and what is said of one that is wrong.

use septet_pipeline::definition::{Action, Pipeline, Wait};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_whole_definition_is_read() {
    let pipeline = Pipeline::parse(
        r#"
name: nightly
description: Everything at once
inputs:
  region: { default: eu-1, description: Where }
  size: {}
triggers:
  - event: septet.soc.v1.AlertRaised
    when: event.alert.severity == "SEVERITY_CRITICAL"
    inputs: { size: 3 }
timeout: 2h
tasks:
  last:
    needs: [call, ask]
    after: always
    publish: { event: nightly.done, key: "${{ run.id }}", data: { region: "${{ inputs.region }}" } }
  call:
    http: { url: "https://example.org/${{ inputs.region }}", method: post, headers: { accept: text/plain }, expect: [201] }
    retry: { attempts: 3, backoff: 200ms, max_backoff: 5s }
    timeout: 30s
    outputs: { id: "${{ result.body.id }}" }
  ask:
    needs: [call]
    allow_failure: true
    grpc: { call: devops.GetChange, body: { change_id: "${{ tasks.call.outputs.id }}" } }
  count:
    transform: { input: [1, 2], filter: "length" }
  sleep:
    wait: { for: 1h30m }
  build:
    when: inputs.size > 2
    process: { argv: [make, "${{ inputs.region }}"], env: { A: b } }
"#,
    )
    .unwrap();
    let place = |name: &str| pipeline.tasks.iter().position(|task| task.name == name).unwrap();
    assert_eq!(place("last"), 0, "tasks stay in the order of the document");
    assert_eq!(pipeline.tasks[0].above, [place("call"), place("ask")]);
    assert_eq!(pipeline.tasks[place("sleep")].action, Action::Wait(Wait::For(Duration::from_secs(5_400))));
    let Action::Grpc { service, path, .. } = &pipeline.tasks[place("ask")].action else { panic!() };
    assert_eq!((service.as_str(), path.as_str()), ("devops", "/septet.devops.v1.DevopsService/GetChange"));
    let retry = &pipeline.tasks[place("call")].retry;
    let pauses: Vec<u128> = (1..=7).map(|attempts| retry.pause(attempts).as_millis()).collect();
    assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);

    let given = json!({ "size": 4 }).as_object().cloned().unwrap();
    assert_eq!(json!(pipeline.inputs(given).unwrap()), json!({ "region": "eu-1", "size": 4 }));
    let missing = pipeline.inputs(Default::default()).unwrap_err().to_string();
    assert!(missing.contains("needs the input `size`"), "{missing}");
    let unknown = json!({ "size": 1, "sise": 2 }).as_object().cloned().unwrap();
    let unknown = pipeline.inputs(unknown).unwrap_err().to_string();
    assert!(unknown.contains("no input `sise`") && unknown.contains("region, size"), "{unknown}");
}

/// A definition with one task that says this.
fn of(task: &str) -> String {
    format!("name: p\ntasks:\n  a:\n    {}\n", task.replace('\n', "\n    "))
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let sleep = "wait: { for: 1s }";
    for (yaml, words) in [
        ("name: p\ntasks: {}\n".to_owned(), &["1 to 100 tasks"][..]),
        ("name: P\ntasks:\n  a: { wait: { for: 1s } }\n".to_owned(), &["name `P`"]),
        ("name: p\ntasks:\n  A: { wait: { for: 1s } }\n".to_owned(), &["the task `A`"]),
        ("name: p\ntasks:\n  in: { wait: { for: 1s } }\n".to_owned(), &["the task `in`", "no word of CEL"]),
        ("name: p\ncolour: red\ntasks:\n  a: { wait: { for: 1s } }\n".to_owned(), &["colour", "line 2"]),
        (of("retries: 2\nwait: { for: 1s }"), &["retries", "line 4"]),
        (of("http: { url: x, colour: red }"), &["colour", "line 4"]),
        ("name: p\ntasks:\n  a: { wait: { for: 1s } }\n  a: { wait: { for: 1s } }\n".to_owned(), &["duplicate"]),
        (of("needs: [b]\nwait: { for: 1s }"), &["task a", "`b`, which is no task"]),
        (
            "name: p\ntasks:\n  a: { needs: [b], wait: { for: 1s } }\n  b: { needs: [a], wait: { for: 1s } }\n".to_owned(),
            &["circle: a, b"],
        ),
        (of("needs: [a]\nwait: { for: 1s }"), &["circle: a"]),
        (of(&format!("when: a +\n{sleep}")), &["task a", "is not CEL"]),
        (of(&format!("timeout: soon\n{sleep}")), &["task a", "`soon` is no time span"]),
        (of(&format!("timeout: 31d\n{sleep}")), &["at most"]),
        (of(&format!("retry: {{ attempts: 21 }}\n{sleep}")), &["1 to 20"]),
        (of("wait: { for: 1s }\ntransform: { filter: . }"), &["exactly one of"]),
        (of("needs: []"), &["exactly one of"]),
        (of("wait: { for: 1s, until: x }"), &["exactly one of `for`"]),
        (of("wait: { event: septet.x.v1.Y }"), &["septet.x.v1.Y", "septet.soc.v1.AlertRaised"]),
        (of("grpc: { call: devops.Nothing }"), &["no RPC `devops.Nothing`"]),
        (of("grpc: { call: pipeline.SubmitRun }"), &["of a sister service"]),
        (of("http: { url: x, method: brew }"), &["http.method"]),
        (of("http: { url: 'a ${{ b' }"), &["no `}}`"]),
        (of("process: { argv: [] }"), &["1 to 50 commands"]),
        (of("process: { argv: [a], commands: [[b]] }"), &["either `argv` or `commands`"]),
        (of("process: { argv: [a], env: { PATH: x } }"), &["`PATH`"]),
        (of("process: { argv: [a], env: { LD_PRELOAD: x } }"), &["`LD_PRELOAD`"]),
        (of("transform: { filter: 'def f: f; f' }"), &["`def`"]),
        (of("transform: { filter: '.a |' }"), &["jq's language"]),
        (of("publish: { event: 'a b' }"), &["publish.event"]),
        ("name: p\ntriggers: [{ event: x }]\ntasks:\n  a: { wait: { for: 1s } }\n".to_owned(), &["trigger", "`x`"]),
        (
            "name: p\ninputs: { n: {} }\ntriggers: [{ event: septet.soc.v1.AlertRaised }]\ntasks:\n  a: { wait: { for: 1s } }\n"
                .to_owned(),
            &["the input `n` has no default"],
        ),
        ("a: &a [x, x]\nb: &b [*a, *a]\n".to_owned() + "name: p\ntasks: *b\n", &["line"]),
        (format!("name: p\ndescription: {}\n", "x".repeat(300 << 10)), &["longer than"]),
    ] {
        let error = Pipeline::parse(&yaml).expect_err(&yaml).to_string();
        for word in words {
            assert!(error.contains(word), "`{word}` is not in: {error}\n{yaml}");
        }
        assert!(!error.contains('\n'), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,400}", tail in "(name|tasks|needs|when|\\$\\{\\{|\\}\\}|[:{}\\[\\] \n-]){0,60}") {
        let _ = Pipeline::parse(&text);
        let _ = Pipeline::parse(&tail);
    }
}

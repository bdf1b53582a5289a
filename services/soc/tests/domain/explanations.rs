//! What people are told of a hit.

use septet_soc::sigma::{EventSource, Level, redact};
use serde_json::{Value, json};

use crate::bed::{object, set};

fn explained(detection: &str, event: Value) -> Vec<String> {
    let set = set(detection);
    let source = EventSource { product: "test".to_owned(), ..EventSource::default() };
    let hits = set.evaluate(&source, &object(event), Level::Informational);
    hits[0].matched.iter().map(ToString::to_string).collect()
}

#[test]
fn the_predicates_that_matched_are_named_with_field_and_value() {
    let rule = "selection:\n    Image|endswith: '\\cmd.exe'\n    Line|contains:\n        - one\n        - two\n    Id: 1\n    \
                Gone: null\nfilter:\n    Other: x\ncondition: selection and not filter";
    let event = json!({"Image": "C:\\Windows\\CMD.exe", "Line": "two\nlines", "Id": 1, "Secret": "x"});
    assert_eq!(
        explained(rule, event),
        [
            r#"Image ends with "\cmd.exe" (C:\Windows\CMD.exe)"#,
            r#"Line contains "two" (two lines)"#,
            "Id is 1 (1)",
            "Gone is null",
        ]
    );
    assert_eq!(
        explained("k: word\ncondition: k", json!({"a": "a word"})),
        [r#"the event contains "word" (a word)"#]
    );
    assert!(explained("s:\n    a: 1\ncondition: not s", json!({})).is_empty());
}

#[test]
fn secrets_are_not_repeated() {
    let token = format!("{}{}", "ghp_", "b7Xk2LmQ9sWcR4tYvN8pDfGhJzA1eU6iOoT3");
    let key = format!("{}{}", "AKIA", "QZ3WXC5RT7VB9NM2");
    for text in [
        format!("curl -H 'Authorization: Bearer {token}' https://x"),
        format!("export TOKEN={token}"),
        format!("aws --key {key} s3 ls"),
        "mysql --password hunter22 -u root".to_owned(),
        format!("psql postgres://{}@db/app", "app:hunter22"),
        r#"{"client_secret": "hunter22"}"#.to_owned(),
        "net use x /user:y pwd=hunter22;z".to_owned(),
    ] {
        let shown = redact(&text);
        assert!(shown.contains("[redacted]"), "{shown}");
        assert!(!shown.contains("hunter22") && !shown.contains(&token) && !shown.contains(&key), "{shown}");
    }
    for harmless in
        ["C:\\Windows\\System32\\cmd.exe /c whoami", "MD5=5E4F0C2D5E4F0C2D5E4F0C2D5E4F0C2D", "git status"]
    {
        assert_eq!(redact(harmless), harmless);
    }
    let shown = explained("s:\n    user_password|contains: x\ncondition: s", json!({"user_password": "xyz"}));
    assert_eq!(shown, [r#"user_password contains "x" ([redacted])"#]);
}

#[test]
fn what_is_told_is_bounded() {
    let values: Vec<String> = (0..100).map(|number| format!("f{number}: '*'")).collect();
    let rule = format!("s:\n    {}\ncondition: s", values.join("\n    "));
    let event: serde_json::Map<String, Value> =
        (0..100).map(|number| (format!("f{number}"), json!("x\u{7}".repeat(5_000)))).collect();
    let told = explained(&rule, Value::Object(event));
    assert_eq!(told.len(), 32);
    assert!(told.iter().all(|line| line.chars().count() < 300 && !line.contains('\u{7}')));
}

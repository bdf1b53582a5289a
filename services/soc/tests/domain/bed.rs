use septet_soc::sigma::{EventSource, Level, Placeholders, RuleSet};
use serde_json::{Map, Value};

/// A rule with this detection, of which the condition is a part.
pub fn rule(detection: &str) -> String {
    let indented: String = detection.trim_matches('\n').lines().map(|line| format!("    {line}\n")).collect();
    format!("title: A rule\nid: a\nlogsource:\n    product: test\ndetection:\n{indented}level: high\n")
}

/// The set of one rule.
///
/// # Panics
/// If it is rejected.
pub fn set(detection: &str) -> RuleSet {
    let mut set = RuleSet::default();
    set.add("rule.yml", &rule(detection), &placeholders());
    assert!(set.rejected().is_empty(), "{detection}\n{:?}", set.rejected());
    set
}

pub fn placeholders() -> Placeholders {
    Placeholders::from([
        ("servers".to_owned(), vec!["srv*".to_owned(), "db1".to_owned()]),
        ("networks".to_owned(), vec!["10.0.0.0/8".to_owned()]),
    ])
}

/// Why a rule is rejected, and on which line of `detection`.
pub fn refused(detection: &str) -> (u32, String) {
    let mut set = RuleSet::default();
    set.add("rule.yml", &rule(detection), &placeholders());
    assert!(set.rules().is_empty(), "taken: {detection}");
    let [rejected] = set.rejected() else { panic!("{:?}", set.rejected()) };
    (rejected.error.line.saturating_sub(5), rejected.error.reason.clone())
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

/// True if the event fulfils the rule of this detection.
pub fn fulfils(detection: &str, event: Value) -> bool {
    let source = EventSource { product: "test".to_owned(), ..EventSource::default() };
    !set(detection).evaluate(&source, &object(event), Level::Informational).is_empty()
}

/// True if a selection of this one line is fulfilled.
pub fn line(selection: &str, event: Value) -> bool {
    fulfils(&format!("selection:\n    {selection}\ncondition: selection"), event)
}

//! Every form of condition.

use serde_json::json;

use crate::bed::fulfils;

const SELECTIONS: &str =
    "sel_a:\n    a: 1\nsel_b:\n    b: 1\nsel_c:\n    c: 1\nfilter:\n    f: 1\n_hidden:\n    h: 1\n";

fn holds(condition: &str, event: serde_json::Value) -> bool {
    fulfils(&format!("{SELECTIONS}condition: {condition}"), event)
}

#[test]
fn and_or_not_and_brackets_bind_as_the_specification_has_it() {
    let only = |name: &str| json!({name: 1});
    assert!(holds("sel_a or sel_b and sel_c", only("a")), "`and` binds more than `or`");
    assert!(!holds("(sel_a or sel_b) and sel_c", only("a")));
    assert!(!holds("not sel_a or sel_a and sel_b", only("a")));
    assert!(holds("not sel_b and sel_a", only("a")), "`not` binds more than `and`");
    assert!(holds("not (sel_b and sel_a)", only("a")));
    assert!(holds("not not sel_a", only("a")));
    assert!(holds("sel_a AND NOT sel_b", only("a")));
    assert!(holds("(sel_a)or(sel_b)", only("b")));
    assert!(holds("sel_a and not 1 of filter*", only("a")));
    assert!(!holds("sel_a and not 1 of filter*", json!({"a": 1, "f": 1})));
}

#[test]
fn quantities_of_patterns_and_of_them() {
    let two = || json!({"a": 1, "b": 1});
    assert!(holds("1 of sel_*", two()) && holds("any of sel_*", two()) && !holds("all of sel_*", two()));
    assert!(holds("2 of sel_*", two()) && !holds("3 of sel_*", two()) && holds("2 of them", two()));
    assert!(holds("all of sel_*", json!({"a": 1, "b": 1, "c": 1})));
    assert!(holds("all of them", json!({"a": 1, "b": 1, "c": 1, "f": 1})), "`them` leaves out `_hidden`");
    assert!(!holds("1 of them", json!({"h": 1})) && !holds("1 of *", json!({"h": 1})));
    assert!(holds("1 of _hid*", json!({"h": 1})) && holds("_hidden", json!({"h": 1})));
    assert!(holds("1 of *_a", json!({"a": 1})) && holds("all of s*_a", json!({"a": 1})));
    assert!(holds("1 of sel_* and not filter", two()));
}

#[test]
fn a_list_of_conditions_are_alternatives() {
    let list = "\n    - sel_a and sel_b\n    - sel_c";
    assert!(
        holds(list, json!({"c": 1})) && holds(list, json!({"a": 1, "b": 1})) && !holds(list, json!({"a": 1}))
    );
}

//! Conditions beyond GrowthBook's published cases.

use std::collections::HashMap;

use septet_cx::flag::{condition::Condition, value::to_text};
use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "cases read better without borrows")]
fn is_met(condition: Value, attributes: Value) -> bool {
    Condition::new(&condition).is_met(&attributes, &HashMap::new())
}

#[test]
fn values_become_texts_as_in_javascript() {
    for (value, text) in [
        (json!(3), "3"),
        (json!(3.0), "3"),
        (json!(-0.5), "-0.5"),
        (json!(1e21), "1e+21"),
        (json!(123456789012345680000.0), "123456789012345680000"),
        (json!(1.5e-7), "1.5e-7"),
        (json!(true), "true"),
        (json!(null), "null"),
        (json!(["a", 1, null]), "a,1,"),
    ] {
        assert_eq!(to_text(&value), text, "{value}");
    }
}

#[test]
fn wholes_are_the_same_with_and_without_a_fraction() {
    assert!(is_met(json!({ "n": { "$in": [1, 2] } }), json!({ "n": 2.0 })));
    assert!(is_met(json!({ "n": [1, { "a": 2 }] }), json!({ "n": [1.0, { "a": 2.0 }] })));
    assert!(is_met(json!({ "n": { "a": 1, "b": 2 } }), json!({ "n": { "b": 2, "a": 1 } })));
}

#[test]
fn what_can_match_nothing_is_told() {
    for (condition, word) in [
        (json!({ "a": { "$regx": "b" } }), "$regx"),
        (json!({ "a": { "$in": 1 } }), "$in"),
        (json!({ "a": { "$regex": "(?=b)" } }), "look-around"),
        (json!({ "a": { "$regex": "(" } }), "cannot be read"),
        (json!({ "a": { "$regex": "((a{1000}){1000}){1000}" } }), "$regex"),
        (json!({ "$or": [{ "$and": [{ "a": { "$not": { "$size": { "$alli": "b" } } } }] }] }), "$alli"),
        (json!({ "a": { "$elemMatch": { "b": { "$x": 1 } } } }), "$x"),
        (json!({ "$or": 1 }), "$or"),
        (json!([]), "not an object"),
    ] {
        let problems = Condition::new(&condition).problems();
        assert!(problems.iter().any(|problem| problem.contains(word)), "{condition}: {problems:?}");
        let is_turned_round = condition.to_string().contains("$not");
        assert_eq!(is_met(condition, json!({ "a": "b" })), is_turned_round);
    }
    let good =
        json!({ "$and": [{ "a.b": { "$gt": 1, "$not": { "$regexi": "^x$" } } }], "c": { "$elemMatch": {} } });
    assert_eq!(Condition::new(&good).problems(), Vec::<String>::new());
}

#[test]
fn a_hostile_expression_takes_no_time() {
    let text = "a".repeat(50_000);
    assert!(!is_met(json!({ "a": { "$regex": "^(a+)+$" } }), json!({ "a": format!("{text}!") })));
}

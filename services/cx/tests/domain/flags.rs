//! Flags beyond GrowthBook's published cases.

use septet_cx::flag::{Context, Evaluator, Payload, PayloadError, Source, hash::hash};
use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "cases read better without borrows")]
fn payload(payload: Value) -> Payload {
    Payload::new(&payload).unwrap()
}

fn context(attributes: Value) -> Context {
    let Value::Object(attributes) = attributes else { panic!("attributes are an object") };
    Context::new(attributes)
}

#[test]
fn letters_beyond_ascii_are_hashed_by_utf16_units() {
    // 0x811c9dc5 ^ 0xe9 times the prime, by hand.
    let once = (0x811c_9dc5_u32 ^ 0xe9).wrapping_mul(0x0100_0193);
    assert_eq!(hash("", "é", 1), Some(f64::from(once % 1_000) / 1_000.0));
}

#[test]
fn the_same_unit_is_in_the_same_variation_and_units_are_spread_as_weighed() {
    let rule = json!({ "key": "e", "variations": ["a", "b", "c"], "weights": [0.5, 0.3, 0.2], "hashVersion": 2, "coverage": 0.8 });
    let payload = payload(json!({ "features": { "f": { "defaultValue": "none", "rules": [rule] } } }));
    let mut counts = std::collections::HashMap::<String, u32>::new();
    for id in 0..20_000 {
        let context = context(json!({ "id": format!("user-{id}") }));
        let value = Evaluator::new(&payload, &context).feature("f").value.clone();
        assert_eq!(Evaluator::new(&payload, &context).feature("f").value, value);
        *counts.entry(value.as_str().unwrap().to_owned()).or_default() += 1;
    }
    for (value, share) in [("a", 0.4), ("b", 0.24), ("c", 0.16), ("none", 0.2)] {
        let off = f64::from(counts[value]) / 20_000.0 - share;
        assert!(off.abs() < 0.015, "{value}: {counts:?}");
    }
}

#[test]
fn many_flags_that_require_one_another_are_evaluated_once_each() {
    let parents = |level: usize| -> Vec<Value> {
        let parent = |number| json!({ "id": format!("f{}-{number}", level - 1), "condition": { "value": true }, "gate": true });
        (0..8).map(parent).collect()
    };
    let mut features = serde_json::Map::new();
    for level in 0..20 {
        for number in 0..8 {
            let rules = if level == 0 { json!([]) } else { json!([{ "parentConditions": parents(level) }]) };
            features.insert(format!("f{level}-{number}"), json!({ "defaultValue": true, "rules": rules }));
        }
    }
    let payload = payload(json!({ "features": features }));
    // 8 to the 20th ways lead down.
    let context = context(json!({}));
    let evaluated = Evaluator::new(&payload, &context).feature("f19-0");
    assert_eq!((evaluated.source, &evaluated.value), (Source::DefaultValue, &json!(true)));
}

#[test]
fn a_chain_without_end_is_cut() {
    let feature = |number: usize| {
        let parent = json!({ "id": format!("f{}", number + 1), "condition": { "value": true } });
        (
            format!("f{number}"),
            json!({ "defaultValue": true, "rules": [{ "parentConditions": [parent], "force": 1 }] }),
        )
    };
    let features: serde_json::Map<String, Value> = (0..100_000).map(feature).collect();
    let payload = payload(json!({ "features": features }));
    let context = context(json!({}));
    assert_eq!(Evaluator::new(&payload, &context).feature("f0").source, Source::CyclicPrerequisite);
    assert_eq!(Evaluator::new(&payload, &context).feature("f99999").source, Source::DefaultValue);
}

#[test]
fn what_cannot_be_read_is_named() {
    for (written, place) in [
        (json!({ "features": { "f": { "rules": [{ "coverage": "half" }] } } }), "features.f"),
        (json!({ "features": { "f": { "rules": [{ "ranges": [[0]] }] } } }), "features.f"),
        (json!({ "features": [] }), "features"),
        (json!({ "features": {}, "savedGroups": { "g": 1 } }), "savedGroups"),
        (json!([]), "payload"),
    ] {
        match Payload::new(&written) {
            Err(PayloadError::Part { place: named, .. }) => assert_eq!(named, place),
            other => panic!("{written}: {other:?}"),
        }
    }
    assert_eq!(Payload::new(&json!({ "encryptedFeatures": "x" })).unwrap_err(), PayloadError::Encrypted);
}

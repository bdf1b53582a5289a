//! GrowthBook's published cases: every group that is about flags and experiments. Not here: `decrypt` (payloads that only
//! their owner can read) and `urlRedirect` (what a browser does).

use std::{collections::BTreeMap, path::PathBuf};

use septet_cx::flag::{
    Context, Evaluated, Evaluator, Payload, Sticky, StickyDoc,
    bucket::{Namespace, Range, bucket_ranges, choose_variation, equal_weights},
    condition::Condition,
    feature::Experiment,
    hash::hash,
    url::query_override,
};
use serde_json::{Map, Value, json};

/// The cases of a group; `None` where the file is absent.
fn cases(group: &str) -> Option<Vec<Value>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/cx/growthbook-cases.json");
    let path =
        std::env::var_os("SEPTET_GROWTHBOOK_CASES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(&path) else {
        septet_testkit::skipped(
            "GrowthBook's published cases",
            "growthbook-cases.json is not beside the checkout",
        );
        return None;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let cases = all[group].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    Some(cases)
}

/// All cases of a group; tells of every one that differs.
#[track_caller]
fn check(group: &str, check: impl Fn(&[Value]) -> Result<(), String>) {
    let Some(cases) = cases(group) else { return };
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case.as_array().unwrap()).err().map(|why| format!("{}: {why}", case[0])))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases of {group} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[expect(clippy::needless_pass_by_value, reason = "cases read better without borrows")]
fn expect<T: PartialEq + std::fmt::Debug>(ours: T, theirs: T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{ours:?} instead of {theirs:?}")) }
}

fn ranges(value: &Value) -> Vec<Range> {
    serde_json::from_value(value.clone()).unwrap()
}

fn rounded(ranges: &[Range]) -> Vec<(i64, i64)> {
    ranges.iter().map(|range| ((range.0 * 1e8).round() as i64, (range.1 * 1e8).round() as i64)).collect()
}

fn context(of: &Value) -> Context {
    let attributes = of["attributes"].as_object().cloned().unwrap_or_default();
    Context {
        enabled: of["enabled"] != json!(false),
        qa_mode: of["qaMode"] == json!(true),
        url: of["url"].as_str().unwrap_or_default().to_owned(),
        forced_variations: serde_json::from_value(of["forcedVariations"].clone()).unwrap_or_default(),
        ..Context::new(attributes)
    }
}

#[test]
fn hashes() {
    check("hash", |case| {
        let [seed, value, version, expected] = case else { panic!("{case:?}") };
        let version = version.as_u64().unwrap() as u32;
        expect(hash(seed.as_str().unwrap(), value.as_str().unwrap(), version), expected.as_f64())
    });
}

#[test]
fn bucket_ranges_are_theirs() {
    check("getBucketRange", |case| {
        let [_, input, expected] = case else { panic!("{case:?}") };
        let weights: Option<Vec<f64>> = serde_json::from_value(input[2].clone()).unwrap();
        let ours = bucket_ranges(
            input[0].as_u64().unwrap() as usize,
            input[1].as_f64().unwrap(),
            weights.as_deref(),
        );
        expect(rounded(&ours), rounded(&ranges(expected)))
    });
}

#[test]
fn variations_are_chosen() {
    check("chooseVariation", |case| {
        let [_, number, of, expected] = case else { panic!("{case:?}") };
        let ours = choose_variation(number.as_f64().unwrap(), &ranges(of));
        expect(ours.map_or(-1, |index| index as i64), expected.as_i64().unwrap())
    });
}

#[test]
fn weights_are_equal() {
    check("getEqualWeights", |case| {
        let [variations, expected] = case else { panic!("{case:?}") };
        let ours = equal_weights(usize::try_from(variations.as_i64().unwrap()).unwrap_or(0));
        let theirs: Vec<f64> = serde_json::from_value(expected.clone()).unwrap();
        let round =
            |weights: Vec<f64>| -> Vec<i64> { weights.iter().map(|of| (of * 1e8).round() as i64).collect() };
        expect(round(ours), round(theirs))
    });
}

#[test]
fn namespaces() {
    check("inNamespace", |case| {
        let [_, value, namespace, expected] = case else { panic!("{case:?}") };
        let namespace: Namespace = serde_json::from_value(namespace.clone()).unwrap();
        expect(namespace.contains(value.as_str().unwrap()), expected.as_bool().unwrap())
    });
}

#[test]
fn addresses_override_variations() {
    check("getQueryStringOverride", |case| {
        let [_, key, url, variations, expected] = case else { panic!("{case:?}") };
        let ours = query_override(
            key.as_str().unwrap(),
            url.as_str().unwrap(),
            variations.as_u64().unwrap() as usize,
        );
        expect(ours.map(|index| index as u64), expected.as_u64())
    });
}

#[test]
fn conditions() {
    check("evalCondition", |case| {
        let groups = case.get(4).cloned().unwrap_or_else(|| json!({}));
        let groups = serde_json::from_value(groups).unwrap();
        expect(Condition::new(&case[1]).is_met(&case[2], &groups), case[3].as_bool().unwrap())
    });
}

#[test]
fn experiments_run() {
    check("run", |case| {
        let [_, of, experiment, value, in_experiment, hash_used] = case else { panic!("{case:?}") };
        let (payload, context) = (Payload::new(of).unwrap(), context(of));
        let key = experiment["key"].as_str().unwrap();
        let experiment = Experiment::new(experiment).unwrap();
        let ours = Evaluator::new(&payload, &context).run(key, &experiment);
        expect(
            (&ours.value, ours.in_experiment, ours.hash_used),
            (value, in_experiment.as_bool().unwrap(), hash_used.as_bool().unwrap()),
        )
    });
}

/// An evaluation as the SDKs write it, but for the experiment, which is told by its key and by what a bandit made of it.
fn written(key: &str, evaluated: &Evaluated) -> Value {
    let mut json = json!({
        "value": evaluated.value, "on": evaluated.is_on(), "off": !evaluated.is_on(),
        "source": evaluated.source, "ruleId": evaluated.rule_id,
    });
    if let Some((experiment, assigned)) = &evaluated.experiment {
        json["experiment"] = json!(experiment);
        json["experimentResult"] = assigned.to_json(key);
    }
    json
}

fn features(group: &str) {
    check(group, |case| {
        let [_, of, key, expected] = case else { panic!("{case:?}") };
        let (payload, context) = (Payload::new(of).unwrap(), context(of));
        let key = key.as_str().unwrap();
        let ours = written(key, &Evaluator::new(&payload, &context).feature(key));
        let mut theirs = expected.clone();
        if let Some(experiment) = expected.get("experiment") {
            theirs["experiment"] = experiment["key"].clone();
            if let Some(bandit) = experiment.get("contextualBandit") {
                for name in ["leafId", "variationWeights", "banditVersion"] {
                    expect(bandit.get(name), expected["experimentResult"].get(name))?;
                }
            }
        }
        // The file writes 1 where it means 1.0.
        if septet_cx::flag::value::is_equal(&ours, &theirs) {
            Ok(())
        } else {
            Err(format!("{ours} instead of {theirs}"))
        }
    });
}

#[test]
fn features_are_evaluated() {
    features("feature");
}

#[test]
fn contextual_bandits_route() {
    features("contextualBandit");
}

#[test]
fn assignments_stick() {
    check("stickyBucket", |case| {
        let [_, of, docs, key, result, expected] = case else { panic!("{case:?}") };
        let (payload, mut context) = (Payload::new(of).unwrap(), context(of));
        let attributes: Map<String, Value> = context.attributes.as_object().unwrap().clone();
        let docs: Vec<StickyDoc> = serde_json::from_value(docs.clone()).unwrap();
        context.sticky = Some(Sticky::new(docs, &attributes));
        let mut evaluator = Evaluator::new(&payload, &context);
        let key = key.as_str().unwrap();
        let evaluated = evaluator.feature(key);
        let ours = evaluated.experiment.as_ref().map_or(Value::Null, |(_, assigned)| assigned.to_json(key));
        if !septet_cx::flag::value::is_equal(&ours, result) {
            return Err(format!("{ours} instead of {result}"));
        }
        let kept: BTreeMap<String, StickyDoc> = evaluator
            .sticky()
            .unwrap()
            .docs()
            .map(|doc| (format!("{}||{}", doc.attribute_name, doc.attribute_value), doc.clone()))
            .collect();
        expect(kept, serde_json::from_value(expected.clone()).unwrap())
    });
}

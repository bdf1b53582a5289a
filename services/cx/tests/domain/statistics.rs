//! Comparisons and sample ratios against figures of scipy and statsmodels; see `tests/data/statistics.py`.

use std::sync::LazyLock;

use septet_cx::analysis::{Kind, Moments, Worsening, compare, judge, sample_ratio};
use serde_json::Value;

static FIGURES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/statistics.json")).unwrap());

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn same(what: &str, ours: f64, theirs: f64) {
    let off = (ours - theirs).abs() / theirs.abs().max(f64::MIN_POSITIVE);
    assert!(ours == theirs || off < 1e-9, "{what}: {ours} instead of {theirs}, off by {off:e}");
}

fn moments(kind: Kind, sample: &Value) -> Moments {
    let figures: Vec<i64> = sample.as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect();
    match (kind, figures.as_slice()) {
        (Kind::Proportion, [conversions, units]) => Moments {
            units: *units,
            sum: i128::from(*conversions) * 1_000_000,
            squares: i128::from(*conversions) * 1_000_000_000_000,
        },
        (_, figures) => Moments::of(figures.iter().copied()),
    }
}

#[test]
fn comparisons_are_those_of_scipy_and_statsmodels() {
    for case in FIGURES["comparisons"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let kind = if case["kind"] == "mean" { Kind::Mean } else { Kind::Proportion };
        let (control, variation) = (moments(kind, &case["control"]), moments(kind, &case["variation"]));
        let compared = compare(kind, &control, &variation, number(&case["confidence"])).unwrap();
        same(name, compared.difference, number(&case["difference"]));
        same(name, compared.interval.low, number(&case["low"]));
        same(name, compared.interval.high, number(&case["high"]));
        same(name, compared.p_value.unwrap(), number(&case["p_value"]));
        match &case["degrees_of_freedom"] {
            Value::Null => assert_eq!(compared.degrees_of_freedom, None),
            degrees => same(name, compared.degrees_of_freedom.unwrap(), number(degrees)),
        }
        if let Some(variances) = case["variances"].as_array() {
            same(name, control.variance(), number(&variances[0]));
            same(name, variation.variance(), number(&variances[1]));
        }
        match &case["relative"] {
            Value::Null => assert_eq!((compared.lift, compared.lift_interval), (None, None), "{name}"),
            relative => {
                let interval = compared.lift_interval.unwrap();
                same(name, compared.lift.unwrap(), number(&relative["lift"]));
                same(name, interval.low, number(&relative["low"]));
                same(name, interval.high, number(&relative["high"]));
            }
        }
    }
}

#[test]
fn guardrails_have_the_intervals_of_scipy() {
    for case in FIGURES["guardrails"].as_array().unwrap() {
        let (control, variation) =
            (moments(Kind::Mean, &case["control"]), moments(Kind::Mean, &case["variation"]));
        let worsening = Worsening {
            higher_is_better: case["direction"] == "higher is better",
            allowed: number(&case["allowed"]),
        };
        let judgement =
            judge(Kind::Mean, &worsening, &control, &variation, number(&case["confidence"])).unwrap();
        same("bound", judgement.bound, number(&case["bound"]));
        same("low", judgement.excess.low, number(&case["low"]));
        same("high", judgement.excess.high, number(&case["high"]));
    }
}

#[test]
fn sample_ratios_are_those_of_scipy() {
    for case in FIGURES["ratios"].as_array().unwrap() {
        let counts: Vec<u64> =
            case["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
        let weights: Vec<f64> = case["weights"].as_array().unwrap().iter().map(number).collect();
        let ratio = sample_ratio(&counts, &weights).unwrap();
        for (ours, theirs) in ratio.expected.iter().zip(case["expected"].as_array().unwrap()) {
            same("expected", *ours, number(theirs));
        }
        same("statistic", ratio.chi_square, number(&case["chi_square"]));
        same("p-value", ratio.p_value, number(&case["p_value"]));
        assert_eq!(ratio.is_mismatch(), number(&case["p_value"]) < 0.001);
    }
}

#[test]
fn what_cannot_be_compared_is_not() {
    let one = Moments::of([1_000_000]);
    let two = Moments::of([1_000_000, 2_000_000]);
    assert_eq!(compare(Kind::Mean, &one, &two, 0.95), None);
    assert_eq!(compare(Kind::Mean, &two, &one, 0.95), None);
    let same = Moments::of([5_000_000; 10]);
    let compared = compare(Kind::Mean, &same, &Moments::of([6_000_000; 10]), 0.95).unwrap();
    assert_eq!((compared.p_value, compared.difference, compared.interval.low), (None, 1.0, 1.0));
    assert_eq!(sample_ratio(&[0, 0], &[0.5, 0.5]), None);
    assert_eq!(sample_ratio(&[5], &[1.0]), None);
    let nobody_should = sample_ratio(&[10, 1], &[1.0, 0.0]).unwrap();
    assert!(nobody_should.is_mismatch(), "{nobody_should:?}");
    assert_eq!(sample_ratio(&[10, 12, 0], &[0.5, 0.5, 0.0]).unwrap().degrees_of_freedom, 1);
}

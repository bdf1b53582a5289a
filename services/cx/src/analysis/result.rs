use std::collections::HashMap;

use septet_chassis::contract::Timestamp;
use septet_proto_cx::v1;

use super::{Compared, Interval, Judgement, Kind, Moments, Worsening, compare, judge, sample_ratio};

/// The number that stands for units that count in no variation.
pub const EXCLUDED: i64 = -1;

/// An experiment's figures, by metric (empty for the units) and number of the variation.
pub type Figures = HashMap<(String, i64), Moments>;

/// What an experiment has come to.
pub fn result(experiment: &v1::Experiment, figures: &Figures, now: Timestamp) -> v1::ExperimentResult {
    let units = |variation: i64| {
        figures
            .get(&(String::new(), variation))
            .map_or(0, |moments| u64::try_from(moments.units).unwrap_or(0))
    };
    let counts: Vec<u64> = (0..).zip(&experiment.variations).map(|(index, _)| units(index)).collect();
    let weights: Vec<f64> = experiment.variations.iter().map(|variation| variation.weight).collect();
    let ratio = sample_ratio(&counts, &weights);
    let expected = |index: usize| ratio.as_ref().map_or(0.0, |ratio| ratio.expected[index]);
    v1::ExperimentResult {
        experiment_id: experiment.id.clone(),
        units: experiment
            .variations
            .iter()
            .zip(&counts)
            .enumerate()
            .map(|(index, (variation, units))| v1::VariationCount {
                variation: variation.key.clone(),
                units: *units,
                expected: expected(index),
            })
            .collect(),
        excluded_units: units(EXCLUDED),
        sample_ratio: ratio.map(|ratio| v1::SampleRatio {
            chi_square: ratio.chi_square,
            degrees_of_freedom: ratio.degrees_of_freedom,
            p_value: ratio.p_value,
            mismatch: ratio.is_mismatch(),
        }),
        metrics: experiment.metrics.iter().map(|metric| of_metric(experiment, metric, figures)).collect(),
        time: Some(now.into()),
    }
}

/// A metric's figures for each variation: its sums, over all units of the variation.
pub fn figures_of(experiment: &v1::Experiment, metric: &str, figures: &Figures) -> Vec<Moments> {
    (0..)
        .zip(&experiment.variations)
        .map(|(index, _)| {
            let of = |metric: &str| figures.get(&(metric.to_owned(), index)).copied().unwrap_or_default();
            Moments { units: of("").units, ..of(metric) }
        })
        .collect()
}

fn of_metric(experiment: &v1::Experiment, metric: &v1::Metric, figures: &Figures) -> v1::MetricResult {
    let all = figures_of(experiment, &metric.name, figures);
    let comparisons = experiment
        .variations
        .iter()
        .zip(&all)
        .skip(1)
        .filter_map(|(variation, moments)| {
            let compared = compare(kind(metric), &all[0], moments, experiment.confidence)?;
            let guardrail = state(experiment, metric, &all[0], moments);
            Some(comparison(&variation.key, &compared, guardrail))
        })
        .collect();
    let figures = experiment.variations.iter().zip(&all).map(|(variation, moments)| v1::VariationFigures {
        variation: variation.key.clone(),
        units: u64::try_from(moments.units).unwrap_or(0),
        sum: moments.total(),
        mean: moments.mean(),
        variance: moments.variance(),
    });
    v1::MetricResult {
        metric: metric.name.clone(),
        kind: metric.kind,
        variations: figures.collect(),
        comparisons,
    }
}

/// How a metric is computed.
pub(crate) fn kind(metric: &v1::Metric) -> Kind {
    match metric.kind() {
        v1::MetricKind::Proportion | v1::MetricKind::Unspecified => Kind::Proportion,
        v1::MetricKind::Mean => Kind::Mean,
        v1::MetricKind::Count => Kind::Count,
    }
}

/// What a metric's guardrail says; `None` without one, or while units are too few.
pub(crate) fn guarded(
    experiment: &v1::Experiment,
    metric: &v1::Metric,
    control: &Moments,
    variation: &Moments,
) -> Option<Judgement> {
    let guardrail = metric.guardrail.as_ref()?;
    let enough = i64::from(experiment.min_units);
    if control.units < enough || variation.units < enough {
        return None;
    }
    let worsening = Worsening {
        higher_is_better: guardrail.direction() == v1::Direction::HigherIsBetter,
        allowed: guardrail.allowed_worsening,
    };
    judge(kind(metric), &worsening, control, variation, experiment.confidence)
}

fn state(
    experiment: &v1::Experiment,
    metric: &v1::Metric,
    control: &Moments,
    variation: &Moments,
) -> v1::GuardrailState {
    match guarded(experiment, metric, control, variation) {
        _ if metric.guardrail.is_none() => v1::GuardrailState::Unspecified,
        None => v1::GuardrailState::Waiting,
        Some(judgement) if judgement.is_breached() => v1::GuardrailState::Breached,
        Some(_) => v1::GuardrailState::Held,
    }
}

fn comparison(variation: &str, compared: &Compared, guardrail: v1::GuardrailState) -> v1::Comparison {
    let interval = |interval: Interval| v1::Interval { low: interval.low, high: interval.high };
    v1::Comparison {
        variation: variation.to_owned(),
        difference: compared.difference,
        difference_interval: Some(interval(compared.interval)),
        p_value: compared.p_value,
        relative_lift: compared.lift,
        relative_interval: compared.lift_interval.map(interval),
        degrees_of_freedom: compared.degrees_of_freedom,
        guardrail: guardrail.into(),
    }
}

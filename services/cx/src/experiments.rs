//! What an experiment must be before it is kept.

use std::collections::HashSet;

use prost_types::Duration;
use septet_chassis::contract::Timestamp;
use septet_proto_cx::v1::{
    Direction, Experiment, ExperimentState, Metric, MetricKind, PutExperimentRequest, Variation,
};

use crate::{
    activity::named,
    config::Config,
    error::Error,
    flag::{
        bucket::{Range, bucket_ranges},
        feature::{self, Feature},
    },
};

const MAX_METRICS: usize = 20;
const MAX_VARIATIONS: usize = 50;
const CONFIDENCE: f64 = 0.95;
const MIN_UNITS: u32 = 100;
/// Seconds of 14 days.
const WINDOW: i64 = 14 * 86_400;

/// The experiment that a request asks for. `earlier` is what there is of this id, `flag` the flag it is about.
pub(crate) fn wanted(
    request: &PutExperimentRequest,
    earlier: Option<&Experiment>,
    flag: Option<&Feature>,
    config: &Config,
    now: Timestamp,
) -> Result<Experiment, Error> {
    let metrics = metrics(&request.metrics)?;
    let confidence = match request.confidence {
        0.0 => CONFIDENCE,
        confidence if (0.5..=0.9999).contains(&confidence) => confidence,
        _ => return Err(Error::invalid("confidence", "must be from 0.5 to 0.9999")),
    };
    let window = window(request.conversion_window.as_ref(), config)?;
    let variations = match (request.variations.as_slice(), earlier) {
        ([], Some(earlier)) => earlier.variations.clone(),
        ([], None) => of_rule(request, flag)?,
        (given, _) => given_variations(given)?,
    };
    let wanted = Experiment {
        id: request.experiment_id.clone(),
        flag_key: request.flag_key.clone(),
        name: request.name.clone(),
        variations,
        metrics,
        conversion_window: Some(window),
        confidence,
        min_units: if request.min_units == 0 { MIN_UNITS } else { request.min_units },
        state: ExperimentState::Running.into(),
        create_time: Some(earlier.and_then(|earlier| earlier.create_time).unwrap_or_else(|| now.into())),
        conclude_time: None,
        conclusion: String::new(),
    };
    if let Some(earlier) = earlier {
        unchanged(earlier, &wanted)?;
    }
    Ok(wanted)
}

/// What is counted already cannot be counted in another way.
fn unchanged(earlier: &Experiment, wanted: &Experiment) -> Result<(), Error> {
    let refuse = |what: &str| Err(Error::Fixed(format!("{} cannot change its {what}", earlier.id)));
    let counted = |experiment: &Experiment| -> Vec<(String, String, i32)> {
        experiment.metrics.iter().map(|of| (of.name.clone(), of.event.clone(), of.kind)).collect()
    };
    if earlier.state() != ExperimentState::Running {
        return Err(Error::Fixed(format!("{} is concluded", earlier.id)));
    }
    match () {
        () if earlier.flag_key != wanted.flag_key => refuse("flag"),
        () if earlier.variations != wanted.variations => refuse("variations"),
        () if earlier.conversion_window != wanted.conversion_window => refuse("conversion window"),
        () if counted(earlier) != counted(wanted) => refuse("metrics, except for their guardrails"),
        () => Ok(()),
    }
}

fn metrics(metrics: &[Metric]) -> Result<Vec<Metric>, Error> {
    let refuse = |problem: &str| Err(Error::invalid("metrics", problem));
    if metrics.is_empty() || metrics.len() > MAX_METRICS {
        return refuse("must be from 1 to 20");
    }
    let mut names = HashSet::new();
    for metric in metrics {
        named("metrics.name", &metric.name, 128)?;
        named("metrics.event", &metric.event, 128)?;
        if !names.insert(&metric.name) {
            return refuse("has a name twice");
        }
        if metric.kind() == MetricKind::Unspecified {
            return refuse("has a metric without a kind");
        }
        if let Some(guardrail) = &metric.guardrail {
            if guardrail.direction() == Direction::Unspecified {
                return refuse("has a guardrail without a direction");
            }
            if !(0.0..=10.0).contains(&guardrail.allowed_worsening) {
                return refuse("has a guardrail whose allowed worsening is not from 0 to 10");
            }
        }
    }
    Ok(metrics.to_vec())
}

fn window(window: Option<&Duration>, config: &Config) -> Result<Duration, Error> {
    let Some(window) = window else {
        return Ok(Duration { seconds: WINDOW.min(i64::from(config.retention_days) * 86_400), nanos: 0 });
    };
    let most = i64::from(config.retention_days) * 86_400;
    let is_within = (1..most).contains(&window.seconds) || *window == Duration { seconds: most, nanos: 0 };
    if !is_within || !(0..1_000_000_000).contains(&window.nanos) {
        let days = config.retention_days;
        return Err(Error::invalid("conversion_window", format!("must be from 1 second to {days} days")));
    }
    Ok(*window)
}

fn given_variations(given: &[Variation]) -> Result<Vec<Variation>, Error> {
    let refuse = |problem: &str| Err(Error::invalid("variations", problem));
    if given.len() < 2 || given.len() > MAX_VARIATIONS {
        return refuse("must be from 2 to 50");
    }
    let mut keys = HashSet::new();
    for variation in given {
        named("variations.key", &variation.key, 128)?;
        if !keys.insert(&variation.key) {
            return refuse("has a key twice");
        }
        if !(0.0..=1.0).contains(&variation.weight) {
            return refuse("has a weight that is not from 0 to 1");
        }
    }
    let sum: f64 = given.iter().map(|variation| variation.weight).sum();
    if !(0.99..=1.01).contains(&sum) {
        return refuse("has weights that do not add up to 1");
    }
    Ok(given.to_vec())
}

/// The variations of the flag's rule, with the shares that the rule gives them.
fn of_rule(request: &PutExperimentRequest, flag: Option<&Feature>) -> Result<Vec<Variation>, Error> {
    let rule = flag.and_then(|flag| flag.experiment(&request.flag_key, &request.experiment_id));
    let Some(rule) = rule else {
        return Err(Error::invalid(
            "variations",
            "are missing, and no rule of the flag has an experiment with this key",
        ));
    };
    given_variations(&shares(rule))
}

fn shares(rule: &feature::Experiment) -> Vec<Variation> {
    let count = rule.variations.len();
    let ranges = match &rule.ranges {
        Some(ranges) => ranges.clone(),
        None => bucket_ranges(count, 1.0, rule.weights.as_deref()),
    };
    let width = |range: Option<&Range>| range.map_or(0.0, |range| (range.1 - range.0).max(0.0));
    let whole: f64 = (0..count).map(|index| width(ranges.get(index))).sum();
    (0..count)
        .map(|index| Variation {
            key: rule.variation_key(index),
            weight: if whole > 0.0 { width(ranges.get(index)) / whole } else { 0.0 },
        })
        .collect()
}

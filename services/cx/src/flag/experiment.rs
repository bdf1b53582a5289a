use serde_json::{Value, json};

use super::{
    Evaluator,
    bucket::{bucket_ranges, choose_variation},
    evaluate::Prerequisites,
    feature::Experiment,
    hash::hash,
    payload::Payload,
    sticky::Kept,
    unit::Unit,
    url::query_override,
};

/// The variation that somebody is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// False for who takes no part: the control's value is given then.
    pub in_experiment: bool,
    /// From 0, which is the control.
    pub index: usize,
    /// Its key.
    pub key: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its value; null where the experiment has no variations.
    pub value: Value,
    /// False where the variation was forced: then it is no exposure.
    pub hash_used: bool,
    /// The attribute that was hashed.
    pub hash_attribute: String,
    /// Its value; an empty text for who has none.
    pub hash_value: Value,
    /// The hash; `None` where it was not used.
    pub bucket: Option<f64>,
    /// An earlier assignment was kept.
    pub sticky_bucket_used: bool,
    /// The unit goes on to the next rule.
    pub passthrough: bool,
    /// Which weights a contextual bandit gave.
    pub bandit: Option<Routed>,
}

/// Which weights a contextual bandit gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// -1 where no condition was met, so that the rule's weights hold.
    pub leaf: i64,
    /// Weights of the variations.
    pub weights: Vec<f64>,
    /// Version of the bandit.
    pub version: Option<Value>,
}

impl Assigned {
    /// As GrowthBook's SDKs write it.
    pub fn to_json(&self, feature: &str) -> Value {
        let mut json = json!({
            "key": self.key, "featureId": feature, "inExperiment": self.in_experiment, "hashUsed": self.hash_used,
            "variationId": self.index, "value": self.value, "hashAttribute": self.hash_attribute,
            "hashValue": self.hash_value, "stickyBucketUsed": self.sticky_bucket_used,
        });
        let mut put = |name: &str, value: Value| json[name] = value;
        if let Some(name) = &self.name {
            put("name", json!(name));
        }
        if let Some(bucket) = self.bucket {
            put("bucket", json!(bucket));
        }
        if self.passthrough {
            put("passthrough", json!(true));
        }
        if let Some(routed) = &self.bandit {
            put("leafId", json!(routed.leaf));
            put("variationWeights", json!(routed.weights));
            if let Some(version) = &routed.version {
                put("banditVersion", version.clone());
            }
        }
        json
    }
}

/// What decided on the variation.
#[derive(Clone, Copy)]
enum By {
    Force,
    Hash { bucket: f64, sticky: bool },
}

impl Evaluator<'_> {
    /// The variation of an experiment that no flag has.
    pub fn run(&mut self, key: &str, experiment: &Experiment) -> Assigned {
        self.assign(key, experiment, true)
    }

    /// The variation of a flag's experiment; the flag's rule has asked for the parents.
    pub(super) fn run_with_parents_met(&mut self, key: &str, experiment: &Experiment) -> Assigned {
        self.assign(key, experiment, false)
    }

    fn assign(&mut self, key: &str, experiment: &Experiment, ask_parents: bool) -> Assigned {
        let count = experiment.variations.len();
        let out = |evaluator: &Self| evaluator.assigned(experiment, None, By::Force);
        if count < 2 || !self.context.enabled {
            return out(self);
        }
        if let Some(index) = query_override(key, &self.context.url, count) {
            return self.assigned(experiment, Some(index as i64), By::Force);
        }
        if let Some(index) = self.context.forced_variations.get(key) {
            return self.assigned(experiment, Some(*index), By::Force);
        }
        if !experiment.active {
            return out(self);
        }
        let keeps = self.keeps(&experiment.hashing);
        let Some(unit) = self.unit(experiment) else { return out(self) };
        let kept = match &self.sticky {
            Some(sticky) if keeps => sticky.kept(self.attributes(), key, experiment),
            _ => Kept::Nothing,
        };
        // Who is in already stays in, whatever the rules say now.
        let found = if let Kept::Variation(index) = kept { Some(index) } else { None };
        if found.is_none() && !self.takes_part(&unit, experiment, ask_parents) {
            return out(self);
        }
        let seed = experiment.hashing.seed.as_deref().unwrap_or(key);
        let Some(bucket) = hash(seed, &unit.text(), experiment.hashing.version) else { return out(self) };
        let routed = route(self.payload, &self.context.attributes, experiment);
        let weights =
            routed.as_ref().map(|routed| routed.weights.as_slice()).or(experiment.weights.as_deref());
        let chosen = found.or_else(|| match &experiment.ranges {
            Some(ranges) => choose_variation(bucket, ranges),
            None => {
                choose_variation(bucket, &bucket_ranges(count, experiment.coverage.unwrap_or(1.0), weights))
            }
        });
        let (false, Some(index)) = (matches!(kept, Kept::Blocked), chosen) else { return out(self) };
        if let Some(index) = experiment.force {
            return self.assigned(experiment, Some(index), By::Force);
        }
        if self.context.qa_mode || experiment.stopped {
            return out(self);
        }
        let by = By::Hash { bucket, sticky: found.is_some() };
        let assigned = Assigned { bandit: routed, ..self.assigned(experiment, Some(index as i64), by) };
        if keeps && let Some(sticky) = &mut self.sticky {
            sticky.keep(&unit, key, experiment.bucket_version, &assigned.key);
        }
        assigned
    }

    fn takes_part(&mut self, unit: &Unit, experiment: &Experiment, ask_parents: bool) -> bool {
        let placed = match (&experiment.filters, &experiment.namespace) {
            (Some(filters), _) => self.passes(filters),
            (None, Some(namespace)) => namespace.contains(&unit.text()),
            (None, None) => true,
        };
        placed
            && experiment.condition.as_ref().is_none_or(|condition| self.is_met(condition))
            && (!ask_parents || matches!(self.prerequisites(&experiment.parents), Prerequisites::Met))
    }

    fn unit(&self, experiment: &Experiment) -> Option<Unit> {
        let hashing = &experiment.hashing;
        let fallback = hashing.fallback.as_deref().filter(|_| self.keeps(hashing));
        Unit::of(self.attributes(), hashing.attribute.as_deref(), fallback)
    }

    /// A variation by its number; one that there is not is taking no part.
    fn assigned(&self, experiment: &Experiment, index: Option<i64>, by: By) -> Assigned {
        let asked = index.and_then(|index| usize::try_from(index).ok());
        let asked = asked.filter(|index| *index < experiment.variations.len());
        let index = asked.unwrap_or(0);
        let unit = self.unit(experiment).unwrap_or_else(|| Unit {
            attribute: experiment.hashing.attribute.clone().unwrap_or_else(|| "id".to_owned()),
            value: Value::from(""),
        });
        let (hash_used, bucket, sticky_bucket_used) = match by {
            By::Force => (false, None, false),
            By::Hash { bucket, sticky } => (true, Some(bucket), sticky),
        };
        let meta = experiment.meta.get(index);
        Assigned {
            in_experiment: asked.is_some(),
            index,
            key: experiment.variation_key(index),
            name: meta.and_then(|meta| meta.name.clone()),
            value: experiment.variations.get(index).cloned().unwrap_or_default(),
            hash_used,
            hash_attribute: unit.attribute,
            hash_value: unit.value,
            bucket,
            sticky_bucket_used,
            passthrough: meta.is_some_and(|meta| meta.passthrough),
            bandit: None,
        }
    }
}

/// The weights that a contextual bandit has for these attributes. A bandit that the payload has not changes nothing.
fn route(payload: &Payload, attributes: &Value, experiment: &Experiment) -> Option<Routed> {
    let bandit = payload.bandits.get(experiment.bandit.as_ref()?)?;
    let leaf = bandit.leaves.iter().find(|leaf| leaf.condition.is_met(attributes, &payload.saved_groups));
    let weights = match leaf {
        Some(leaf) => leaf.weights.clone(),
        None => experiment
            .weights
            .clone()
            .unwrap_or_else(|| super::bucket::equal_weights(experiment.variations.len())),
    };
    Some(Routed { leaf: leaf.map_or(-1, |leaf| leaf.id), weights, version: bandit.version.clone() })
}

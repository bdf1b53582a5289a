//! Flags and their rules, as a GrowthBook payload has them, read once.

use serde::Deserialize;
use serde_json::Value;

use super::{
    bucket::{Namespace, Range},
    condition::Condition,
    hash::is_known,
};

/// A flag.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Where no rule applies.
    pub default_value: Value,
    /// The first that applies decides.
    pub rules: Vec<Rule>,
}

/// A rule of a flag.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Empty where it has none.
    pub id: String,
    /// Flags that must have some value first.
    pub parents: Vec<Parent>,
    /// Parts of the hash's range that units must be in, all of them.
    pub filters: Vec<Filter>,
    /// What it does.
    pub action: Action,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Gives a value to some of the units.
    Force(Box<Force>),
    /// Spreads units over variations.
    Experiment(Box<Experiment>),
    /// Only asks for its parents.
    Nothing,
}

/// A value and who gets it.
#[derive(Clone, Debug)]
pub struct Force {
    /// The value.
    pub value: Value,
    /// Who may get it.
    pub condition: Option<Condition>,
    /// What is hashed, and how.
    pub hashing: Hashing,
    /// Which part of the hash's range gets it; goes before the coverage.
    pub range: Option<Range>,
    /// Share of the units that get it.
    pub coverage: Option<f64>,
}

/// What is hashed, and how.
#[derive(Clone, Debug)]
pub struct Hashing {
    /// `None` for `id`.
    pub attribute: Option<String>,
    /// Instead where the unit has no such attribute, and assignments are kept.
    pub fallback: Option<String>,
    /// `None` for the key of the experiment or flag.
    pub seed: Option<String>,
    /// See [`hash`](super::hash::hash).
    pub version: u32,
    /// Assignments are not kept.
    pub disable_sticky: bool,
}

/// An experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its key; `None` for the flag's.
    pub key: Option<String>,
    /// Values, the control first.
    pub variations: Vec<Value>,
    /// Keys and names of the variations.
    pub meta: Vec<Meta>,
    /// Shares of the variations.
    pub weights: Option<Vec<f64>>,
    /// Share of the units that take part.
    pub coverage: Option<f64>,
    /// Ranges of the variations; go before weights and coverage.
    pub ranges: Option<Vec<Range>>,
    /// What is hashed, and how.
    pub hashing: Hashing,
    /// Go before the namespace.
    pub filters: Option<Vec<Filter>>,
    /// See [`Namespace`].
    pub namespace: Option<Namespace>,
    /// Who takes part.
    pub condition: Option<Condition>,
    /// Flags that must have some value.
    pub parents: Vec<Parent>,
    /// False for nobody.
    pub active: bool,
    /// Units keep assignments but no result counts.
    pub stopped: bool,
    /// The variation for everybody who takes part.
    pub force: Option<i64>,
    /// Assignments of another version are not kept.
    pub bucket_version: u64,
    /// Units with an assignment of a lower version take part no more.
    pub min_bucket_version: u64,
    /// Weights that depend on the attributes.
    pub bandit: Option<String>,
}

impl Experiment {
    /// Key of a variation: that of its meta, or its number.
    pub fn variation_key(&self, index: usize) -> String {
        let meta = self.meta.get(index).and_then(|meta| meta.key.clone());
        meta.filter(|key| !key.is_empty()).unwrap_or_else(|| index.to_string())
    }
}

/// A flag that must have some value.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its key.
    pub id: String,
    /// On `value`.
    pub condition: Condition,
    /// Where it is not met, the flag has no value; else only the rule is passed over.
    pub gate: bool,
}

/// A part of the hash's range that units must be in.
#[derive(Clone, Debug, Deserialize)]
pub struct Filter {
    /// What is hashed; `id` where absent.
    #[serde(default)]
    pub attribute: Option<String>,
    /// Seed of the hash.
    pub seed: String,
    /// Version of the hash.
    #[serde(default = "two", rename = "hashVersion")]
    pub hash_version: u32,
    /// Any of them.
    pub ranges: Vec<Range>,
}

/// About a variation.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Meta {
    /// Key.
    #[serde(default)]
    pub key: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Units go on to the next rule: for holdouts.
    #[serde(default)]
    pub passthrough: bool,
}

fn two() -> u32 {
    2
}

/// A flag as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenFeature {
    #[serde(default)]
    default_value: Value,
    #[serde(default)]
    rules: Vec<Written>,
}

/// A rule or an experiment as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    id: Option<String>,
    key: Option<String>,
    condition: Option<Value>,
    parent_conditions: Option<Vec<WrittenParent>>,
    #[serde(default, deserialize_with = "present")]
    force: Option<Value>,
    variations: Option<Vec<Value>>,
    contextual_variations: Option<Vec<Value>>,
    contextual_bandit_ref: Option<String>,
    meta: Option<Vec<Meta>>,
    weights: Option<Vec<f64>>,
    coverage: Option<f64>,
    range: Option<Range>,
    ranges: Option<Vec<Range>>,
    hash_attribute: Option<String>,
    fallback_attribute: Option<String>,
    hash_version: Option<u32>,
    seed: Option<String>,
    filters: Option<Vec<Filter>>,
    namespace: Option<Namespace>,
    #[serde(default)]
    disable_sticky_bucketing: bool,
    bucket_version: Option<u64>,
    min_bucket_version: Option<u64>,
    active: Option<bool>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct WrittenParent {
    id: String,
    #[serde(default)]
    condition: Option<Value>,
    #[serde(default)]
    gate: bool,
}

/// A value that is there, also where it is null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Written {
    fn hashing(&self) -> Hashing {
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Hashing {
            attribute: some(&self.hash_attribute),
            fallback: some(&self.fallback_attribute),
            seed: some(&self.seed),
            version: self.hash_version.filter(|version| *version != 0).unwrap_or(1),
            disable_sticky: self.disable_sticky_bucketing,
        }
    }

    fn parents(&mut self) -> Vec<Parent> {
        let parent = |written: WrittenParent| Parent {
            condition: written.condition.as_ref().map(Condition::new).unwrap_or_default(),
            id: written.id,
            gate: written.gate,
        };
        self.parent_conditions.take().unwrap_or_default().into_iter().map(parent).collect()
    }

    fn experiment(mut self, variations: Vec<Value>) -> Experiment {
        Experiment {
            hashing: self.hashing(),
            parents: self.parents(),
            key: self.key.filter(|key| !key.is_empty()),
            variations,
            meta: self.meta.unwrap_or_default(),
            weights: self.weights,
            coverage: self.coverage,
            ranges: self.ranges,
            filters: self.filters,
            namespace: self.namespace,
            condition: self.condition.as_ref().map(Condition::new),
            active: self.active != Some(false) && self.status.as_deref() != Some("draft"),
            stopped: self.status.as_deref() == Some("stopped"),
            force: self.force.map(|force| force.as_i64().unwrap_or(-1)),
            bucket_version: self.bucket_version.unwrap_or(0),
            min_bucket_version: self.min_bucket_version.unwrap_or(0),
            bandit: self.contextual_bandit_ref,
        }
    }

    fn rule(mut self) -> Rule {
        let (id, parents) = (self.id.take().unwrap_or_default(), self.parents());
        let filters = self.filters.clone().unwrap_or_default();
        let variations = self.contextual_variations.take().or_else(|| self.variations.take());
        let action = match (self.force.take(), variations) {
            (Some(value), _) => Action::Force(Box::new(Force {
                value,
                hashing: self.hashing(),
                condition: self.condition.as_ref().map(Condition::new),
                range: self.range,
                coverage: self.coverage,
            })),
            (None, Some(variations)) => Action::Experiment(Box::new(self.experiment(variations))),
            (None, None) => Action::Nothing,
        };
        Rule { id, parents, filters, action }
    }
}

impl Feature {
    /// Reads a flag.
    ///
    /// # Errors
    /// What is not as a payload has it.
    pub fn new(written: &Value) -> Result<Self, String> {
        let written = WrittenFeature::deserialize(written).map_err(|error| error.to_string())?;
        let rules = written.rules.into_iter().map(Written::rule).collect();
        Ok(Self { default_value: written.default_value, rules })
    }

    /// What in it applies to nobody, by mistake: in conditions, and hashes that there are not. With the number of the rule
    /// from 1.
    pub fn problems(&self) -> Vec<String> {
        let numbered = self.rules.iter().zip(1..);
        numbered
            .flat_map(|(rule, number)| {
                rule.problems().into_iter().map(move |problem| format!("rule {number}: {problem}"))
            })
            .collect()
    }

    /// The experiment with this key, where the flag's own key is this one.
    pub fn experiment(&self, flag_key: &str, id: &str) -> Option<&Experiment> {
        self.rules.iter().find_map(|rule| match &rule.action {
            Action::Experiment(experiment) if experiment.key.as_deref().unwrap_or(flag_key) == id => {
                Some(experiment.as_ref())
            }
            _ => None,
        })
    }
}

impl Rule {
    fn problems(&self) -> Vec<String> {
        let (own, hashing, filters) = match &self.action {
            Action::Force(force) => (force.condition.as_ref(), Some(&force.hashing), None),
            Action::Experiment(experiment) => {
                (experiment.condition.as_ref(), Some(&experiment.hashing), experiment.filters.as_ref())
            }
            Action::Nothing => (None, None, None),
        };
        let conditions = own.into_iter().chain(self.parents.iter().map(|parent| &parent.condition));
        let mut problems: Vec<String> = conditions.flat_map(Condition::problems).collect();
        let filters =
            self.filters.iter().chain(filters.into_iter().flatten()).map(|filter| filter.hash_version);
        let mut versions = hashing.map(|hashing| hashing.version).into_iter().chain(filters);
        if let Some(version) = versions.find(|version| !is_known(*version)) {
            problems.push(format!("there is no hash version {version}"));
        }
        problems
    }
}

impl Experiment {
    /// Reads an experiment that no flag has.
    ///
    /// # Errors
    /// What is not as a payload has it.
    pub fn new(written: &Value) -> Result<Self, String> {
        let mut written = Written::deserialize(written).map_err(|error| error.to_string())?;
        let variations = written.variations.take().unwrap_or_default();
        Ok(written.experiment(variations))
    }
}

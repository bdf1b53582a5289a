use std::{collections::HashMap, rc::Rc};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Assigned, Payload, Sticky,
    bucket::Range,
    feature::{Action, Filter, Force, Parent, Rule},
    hash::hash,
    unit::Unit,
    value::is_truthy,
};

/// Flags that may require one another in a row.
const MAX_CHAIN: usize = 64;

/// For whom flags are evaluated.
#[derive(Clone, Debug)]
pub struct Context {
    /// An object.
    pub attributes: Value,
    /// False to put nobody into an experiment.
    pub enabled: bool,
    /// True to put nobody into an experiment but by force.
    pub qa_mode: bool,
    /// Variations by experiment that are given instead of being hashed.
    pub forced_variations: HashMap<String, i64>,
    /// The page that is shown; empty for none.
    pub url: String,
    /// Variations that are kept; `None` to keep none.
    pub sticky: Option<Sticky>,
}

impl Context {
    /// Of somebody with these attributes.
    pub fn new(attributes: Map<String, Value>) -> Self {
        Self {
            attributes: Value::Object(attributes),
            enabled: true,
            qa_mode: false,
            forced_variations: HashMap::new(),
            url: String::new(),
            sticky: None,
        }
    }
}

/// What a flag is for somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Its value.
    pub value: Value,
    /// Where that comes from.
    pub source: Source,
    /// The rule that applied; empty where it has no id.
    pub rule_id: String,
    /// Where the source is an experiment: its key, and the variation.
    pub experiment: Option<(String, Assigned)>,
}

impl Evaluated {
    /// True unless the value is null, false, 0 or an empty text.
    pub fn is_on(&self) -> bool {
        is_truthy(&self.value)
    }

    fn new(value: &Value, source: Source) -> Self {
        Self { value: value.clone(), source, rule_id: String::new(), experiment: None }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// There is no such flag.
    UnknownFeature,
    /// No rule applied.
    DefaultValue,
    /// A rule that forces a value.
    Force,
    /// A variation of an experiment.
    Experiment,
    /// A flag that must be on first is not.
    Prerequisite,
    /// Flags require each other, or more than 64 in a row.
    CyclicPrerequisite,
}

/// Evaluates flags for one context.
pub struct Evaluator<'a> {
    pub(super) payload: &'a Payload,
    pub(super) context: &'a Context,
    /// Grows as variations are assigned.
    pub(super) sticky: Option<Sticky>,
    /// Flags that are being evaluated, each for the one before.
    chain: Vec<String>,
    /// A flag that several others require is evaluated once.
    known: HashMap<String, Rc<Evaluated>>,
}

/// Whether the flags that must have some value do.
pub(super) enum Prerequisites {
    Met,
    NotMet,
    Gated,
    Cyclic,
}

impl<'a> Evaluator<'a> {
    /// For one context.
    pub fn new(payload: &'a Payload, context: &'a Context) -> Self {
        Self { payload, context, sticky: context.sticky.clone(), chain: Vec::new(), known: HashMap::new() }
    }

    /// The variations that are kept after what was evaluated; `None` where none are.
    pub fn sticky(&self) -> Option<&Sticky> {
        self.sticky.as_ref()
    }

    /// What a flag is.
    pub fn feature(&mut self, key: &str) -> Rc<Evaluated> {
        if let Some(known) = self.known.get(key) {
            return Rc::clone(known);
        }
        if self.chain.len() >= MAX_CHAIN || self.chain.iter().any(|other| other == key) {
            // Not to be remembered: it holds for this chain only.
            return Rc::new(Evaluated::new(&Value::Null, Source::CyclicPrerequisite));
        }
        self.chain.push(key.to_owned());
        let evaluated = Rc::new(self.evaluate(key));
        self.chain.pop();
        if evaluated.source != Source::CyclicPrerequisite {
            self.known.insert(key.to_owned(), Rc::clone(&evaluated));
        }
        evaluated
    }

    fn evaluate(&mut self, key: &str) -> Evaluated {
        let Some(feature) = self.payload.features.get(key) else {
            return Evaluated::new(&Value::Null, Source::UnknownFeature);
        };
        for rule in &feature.rules {
            match self.prerequisites(&rule.parents) {
                Prerequisites::Met => {}
                Prerequisites::NotMet => continue,
                Prerequisites::Gated => return Evaluated::new(&Value::Null, Source::Prerequisite),
                Prerequisites::Cyclic => return Evaluated::new(&Value::Null, Source::CyclicPrerequisite),
            }
            if let Some(evaluated) = self.apply(key, rule) {
                return evaluated;
            }
        }
        Evaluated::new(&feature.default_value, Source::DefaultValue)
    }

    fn apply(&mut self, key: &str, rule: &Rule) -> Option<Evaluated> {
        if !self.passes(&rule.filters) {
            return None;
        }
        match &rule.action {
            Action::Force(force) => self.is_forced(key, force).then(|| Evaluated {
                rule_id: rule.id.clone(),
                ..Evaluated::new(&force.value, Source::Force)
            }),
            Action::Experiment(experiment) => {
                let name = experiment.key.as_deref().unwrap_or(key);
                let assigned = self.run_with_parents_met(name, experiment);
                (assigned.in_experiment && !assigned.passthrough).then(|| Evaluated {
                    rule_id: rule.id.clone(),
                    experiment: Some((name.to_owned(), assigned.clone())),
                    ..Evaluated::new(&assigned.value, Source::Experiment)
                })
            }
            Action::Nothing => None,
        }
    }

    fn is_forced(&self, key: &str, force: &Force) -> bool {
        if force.condition.as_ref().is_some_and(|condition| !self.is_met(condition)) {
            return false;
        }
        if force.range.is_none() && force.coverage.is_none() {
            return true;
        }
        if force.range.is_none() && force.coverage == Some(0.0) {
            // The hash may be 0.
            return false;
        }
        let fallback = force.hashing.fallback.as_deref().filter(|_| self.keeps(&force.hashing));
        let Some(unit) = Unit::of(self.attributes(), force.hashing.attribute.as_deref(), fallback) else {
            return false;
        };
        let seed = force.hashing.seed.as_deref().unwrap_or(key);
        let Some(number) = hash(seed, &unit.text(), force.hashing.version) else { return false };
        match (force.range, force.coverage) {
            (Some(range), _) => range.contains(number),
            (None, coverage) => coverage.is_none_or(|coverage| number <= coverage),
        }
    }

    /// True if the unit is in a range of each filter.
    pub(super) fn passes(&self, filters: &[Filter]) -> bool {
        filters.iter().all(|filter| {
            let unit = Unit::of(self.attributes(), filter.attribute.as_deref(), None);
            let number = unit.and_then(|unit| hash(&filter.seed, &unit.text(), filter.hash_version));
            number.is_some_and(|number| filter.ranges.iter().any(|range: &Range| range.contains(number)))
        })
    }

    pub(super) fn prerequisites(&mut self, parents: &[Parent]) -> Prerequisites {
        for parent in parents {
            let evaluated = self.feature(&parent.id);
            if evaluated.source == Source::CyclicPrerequisite {
                return Prerequisites::Cyclic;
            }
            let value = serde_json::json!({ "value": evaluated.value });
            if !parent.condition.is_met(&value, &self.payload.saved_groups) {
                return if parent.gate { Prerequisites::Gated } else { Prerequisites::NotMet };
            }
        }
        Prerequisites::Met
    }

    pub(super) fn is_met(&self, condition: &super::condition::Condition) -> bool {
        condition.is_met(&self.context.attributes, &self.payload.saved_groups)
    }

    pub(super) fn keeps(&self, hashing: &super::feature::Hashing) -> bool {
        self.sticky.is_some() && !hashing.disable_sticky
    }

    pub(super) fn attributes(&self) -> &'a Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.context.attributes.as_object().unwrap_or(&NONE)
    }
}

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{feature::Experiment, unit::Unit};

/// Variations that one value of an attribute keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StickyDoc {
    /// The attribute.
    pub attribute_name: String,
    /// Its value.
    pub attribute_value: String,
    /// Keys of variations by `<experiment>__<bucket version>`.
    pub assignments: BTreeMap<String, String>,
}

/// Variations that a unit keeps, whatever becomes of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sticky {
    docs: BTreeMap<(String, String), StickyDoc>,
}

/// What was kept of an experiment.
pub(super) enum Kept {
    Nothing,
    Variation(usize),
    /// The unit was in it with a version that may take part no more.
    Blocked,
}

impl Sticky {
    /// Those of these that are about this unit.
    pub fn new(docs: impl IntoIterator<Item = StickyDoc>, attributes: &Map<String, Value>) -> Self {
        let is_own = |doc: &StickyDoc| {
            Unit::of(attributes, Some(&doc.attribute_name), None).is_some_and(|unit| {
                unit.attribute == doc.attribute_name && unit.text() == doc.attribute_value
            })
        };
        let key = |doc: StickyDoc| ((doc.attribute_name.clone(), doc.attribute_value.clone()), doc);
        Self { docs: docs.into_iter().filter(is_own).map(key).collect() }
    }

    /// All of them.
    pub fn docs(&self) -> impl Iterator<Item = &StickyDoc> {
        self.docs.values()
    }

    /// Those that `earlier` has not, or not so.
    pub fn changes_since(&self, earlier: &Self) -> Vec<StickyDoc> {
        self.docs
            .iter()
            .filter(|(key, doc)| earlier.docs.get(key) != Some(doc))
            .map(|(_, doc)| doc.clone())
            .collect()
    }

    pub(super) fn kept(&self, attributes: &Map<String, Value>, key: &str, experiment: &Experiment) -> Kept {
        let of = |name: &Option<String>, is_own: bool| {
            if name.is_none() && !is_own {
                return None;
            }
            let unit = Unit::of(attributes, name.as_deref(), None)?;
            self.docs.get(&(unit.attribute.clone(), unit.text())).map(|doc| &doc.assignments)
        };
        let hashing = &experiment.hashing;
        let mut assignments = of(&hashing.fallback, false).cloned().unwrap_or_default();
        assignments.extend(of(&hashing.attribute, true).cloned().unwrap_or_default());
        let version = |name: &str| name.strip_prefix(key)?.strip_prefix("__")?.parse::<u64>().ok();
        let is_blocked = |name: &String| version(name).is_some_and(|of| of < experiment.min_bucket_version);
        if assignments.keys().any(is_blocked) {
            return Kept::Blocked;
        }
        let Some(variation) = assignments.get(&assignment(key, experiment.bucket_version)) else {
            return Kept::Nothing;
        };
        let index = experiment.meta.iter().position(|meta| meta.key.as_ref() == Some(variation));
        index.map_or(Kept::Nothing, Kept::Variation)
    }

    pub(super) fn keep(&mut self, unit: &Unit, key: &str, bucket_version: u64, variation: &str) {
        let id = (unit.attribute.clone(), unit.text());
        let doc = self.docs.entry(id).or_insert_with_key(|(name, value)| StickyDoc {
            attribute_name: name.clone(),
            attribute_value: value.clone(),
            assignments: BTreeMap::new(),
        });
        doc.assignments.insert(assignment(key, bucket_version), variation.to_owned());
    }
}

fn assignment(key: &str, bucket_version: u64) -> String {
    format!("{key}__{bucket_version}")
}

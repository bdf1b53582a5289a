use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use super::{
    condition::{Condition, SavedGroups},
    feature::Feature,
};

/// All flags and what they refer to.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// Flags by key.
    pub features: BTreeMap<String, Feature>,
    /// Lists that conditions name.
    pub saved_groups: SavedGroups,
    pub(super) bandits: HashMap<String, Bandit>,
}

/// Weights that depend on the attributes.
#[derive(Clone, Debug)]
pub(super) struct Bandit {
    pub version: Option<Value>,
    pub leaves: Vec<Leaf>,
}

/// Weights for those who meet a condition.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub id: i64,
    pub condition: Condition,
    pub weights: Vec<f64>,
}

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It, or a part of it, is not what it should be.
    #[error("`{place}` cannot be read: {problem}")]
    Part {
        /// Which part, for example `features.checkout`.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// Features that only their owner can read.
    #[error("the features are encrypted; decrypt them first")]
    Encrypted,
}

impl Payload {
    /// Reads what GrowthBook's API gives to SDKs: `features`, `savedGroups` and `contextualBandits`. What else there is does
    /// not matter.
    ///
    /// # Errors
    /// [`PayloadError`] naming the part that cannot be read.
    pub fn new(payload: &Value) -> Result<Self, PayloadError> {
        let Value::Object(members) = payload else {
            return Err(part("payload", "it is not an object"));
        };
        let features = match members.get("features") {
            Some(Value::Object(features)) => features
                .iter()
                .map(|(key, written)| match Feature::new(written) {
                    Ok(feature) => Ok((key.clone(), feature)),
                    Err(problem) => Err(part(&format!("features.{key}"), &problem)),
                })
                .collect::<Result<_, _>>()?,
            None | Some(Value::Null) if members.contains_key("encryptedFeatures") => {
                return Err(PayloadError::Encrypted);
            }
            None | Some(Value::Null) => BTreeMap::new(),
            Some(_) => return Err(part("features", "it is not an object")),
        };
        let saved_groups = read(members.get("savedGroups"), "savedGroups")?;
        let bandits: HashMap<String, WrittenBandit> =
            read(members.get("contextualBandits"), "contextualBandits")?;
        let bandits = bandits.into_iter().map(|(id, written)| (id, written.into())).collect();
        Ok(Self { features, saved_groups, bandits })
    }
}

fn read<T: Default + for<'de> Deserialize<'de>>(
    value: Option<&Value>,
    place: &str,
) -> Result<T, PayloadError> {
    match value {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => T::deserialize(value).map_err(|error| part(place, &error.to_string())),
    }
}

fn part(place: &str, problem: &str) -> PayloadError {
    PayloadError::Part { place: place.to_owned(), problem: problem.to_owned() }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenBandit {
    bandit_version: Option<Value>,
    #[serde(default)]
    contexts: Vec<WrittenLeaf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLeaf {
    leaf_id: i64,
    #[serde(default)]
    condition: Option<Value>,
    weights: Vec<f64>,
}

impl From<WrittenBandit> for Bandit {
    fn from(written: WrittenBandit) -> Self {
        let leaf = |written: WrittenLeaf| Leaf {
            id: written.leaf_id,
            condition: written.condition.as_ref().map(Condition::new).unwrap_or_default(),
            weights: written.weights,
        };
        Self { version: written.bandit_version, leaves: written.contexts.into_iter().map(leaf).collect() }
    }
}

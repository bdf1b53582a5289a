//! What services have said about a change, the latest word of each.

use std::collections::BTreeMap;

use septet_proto_devops::v1::CheckState;
use serde::{Deserialize, Serialize};

/// What a service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It has been asked and has not answered.
    Waits,
    /// Nothing stands against the change.
    Passed,
    /// Something does.
    Failed,
    /// It had nothing to look at.
    Skipped,
}

/// A service's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// What it says.
    pub said: Said,
    /// Why, in one line.
    pub summary: String,
    /// When it said so, in microseconds.
    pub time: i64,
    /// The event that says so; empty for an answer over gRPC.
    pub event_id: String,
}

/// The latest word of each service. The order in which words are heard does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Words {
    heard: BTreeMap<String, Word>,
    /// True while a job sees to it that cx is asked.
    pub asking: bool,
}

impl Words {
    /// Takes a word, unless a later one of the same service was heard.
    pub fn hear(&mut self, service: &str, word: Word) {
        let at = |word: &Word| (word.time, word.event_id.clone());
        if self.heard.get(service).is_none_or(|earlier| at(earlier) <= at(&word)) {
            self.heard.insert(service.to_owned(), word);
        }
    }

    /// The latest word of a service.
    pub fn of(&self, service: &str) -> Option<&Word> {
        self.heard.get(service)
    }

    /// From the store. A text of a newer version reads as no word, so that the release waits.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// For the store.
    pub fn to_json(&self) -> String {
        // A map of texts always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<Said> for CheckState {
    fn from(said: Said) -> Self {
        match said {
            Said::Waits => Self::Pending,
            Said::Passed => Self::Passed,
            Said::Failed => Self::Failed,
            Said::Skipped => Self::Skipped,
        }
    }
}

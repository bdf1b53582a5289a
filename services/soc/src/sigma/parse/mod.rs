//! Reads rule files.

mod condition;
mod detection;
mod field;
mod regex;
mod rule;
mod text;
mod value;
mod yaml;

use std::collections::BTreeMap;

use super::{event::Fields, ir::Rule};

/// Values of placeholders such as `%Servers%`, by name without the signs.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// Bytes of a rule file.
pub const MAX_FILE: usize = 1 << 20;

/// Why a rule cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RuleError {
    /// Line of the file, from 1.
    pub line: u32,
    /// One line for people.
    pub reason: String,
}

impl RuleError {
    fn new(line: u32, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

/// A document of a rule file that is no rule: why, with what could be read of it.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Empty where it could not be read.
    pub id: String,
    /// Empty where it could not be read.
    pub title: String,
    /// What is wrong.
    pub error: RuleError,
}

/// The rules of a file, each by itself: one that is wrong does no harm to the others.
pub fn parse(text: &str, placeholders: &Placeholders, fields: &mut Fields) -> Vec<Result<Rule, Refused>> {
    let refused = |error| Refused { id: String::new(), title: String::new(), error };
    if text.len() > MAX_FILE {
        let reason = format!("the file has {} bytes, more than the {MAX_FILE} allowed", text.len());
        return vec![Err(refused(RuleError::new(1, reason)))];
    }
    match yaml::documents(text) {
        Ok(documents) if documents.is_empty() => {
            vec![Err(refused(RuleError::new(1, "the file is empty")))]
        }
        Ok(documents) => {
            documents.iter().map(|document| rule::read(document, placeholders, fields)).collect()
        }
        Err(error) => vec![Err(refused(error))],
    }
}

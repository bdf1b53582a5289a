use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Rules, RulesError};

/// How trees are analysed, the section `devops.stack`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackConfig {
    /// Directory of rule files that add stacks, or replace built-in ones of the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_dir: Option<PathBuf>,
}

impl StackConfig {
    /// The rules that it asks for.
    ///
    /// # Errors
    /// The directory or a file in it cannot be used.
    pub fn rules(&self) -> Result<Rules, RulesError> {
        match &self.rules_dir {
            Some(directory) => Rules::with_directory(directory),
            None => Rules::builtin(),
        }
    }
}

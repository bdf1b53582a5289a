use std::path::PathBuf;

use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

use crate::policy::Policy;

/// Settings of the review service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Rules in gitleaks' TOML format instead of the built-in ones; `[extend] useDefault = true` adds to those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file: Option<PathBuf>,
    /// File with the 64 hexadecimal digits of the key that fingerprints are made with. Absent: made once, and kept in the
    /// database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key_file: Option<PathBuf>,
    /// Bytes of a pushed change's diff at most. A change over it fails the gate, since nobody has looked at it.
    pub max_diff_bytes: usize,
    /// Findings of a change that are kept; of more, the most severe ones.
    pub max_findings: usize,
    /// The gate.
    pub policy: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules_file: None,
            fingerprint_key_file: None,
            max_diff_bytes: 32 << 20,
            max_findings: 10_000,
            policy: Policy::default(),
        }
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.max_diff_bytes == 0 {
            return Err(("max_diff_bytes", "must be at least 1".to_owned()));
        }
        if self.max_findings == 0 {
            return Err(("max_findings", "must be at least 1".to_owned()));
        }
        crate::reviewer::rules(self).map(drop).map_err(|error| ("rules_file", format!("{error:#}")))
    }
}

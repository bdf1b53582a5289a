//! What a scan reports, without the secret itself.

use serde::{Deserialize, Serialize};

/// How bad it is when a secret of this kind leaks. Ordered: `Low < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Gives away little: a public client id, a revocable write-only key.
    Low,
    /// Probably a secret, or one that opens little: generic assignments, encrypted keys.
    Medium,
    /// A credential for one service or account.
    High,
    /// A credential that opens an account, a host or a whole database.
    Critical,
}

impl Severity {
    /// All severities, lowest first.
    pub const ALL: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The name as rule files and policies write it: `low`, `medium`, `high` or `critical`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity of that [`name`](Self::name), if there is one.
    pub fn from_name(name: &str) -> Option<Severity> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One secret that a rule found in an added line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Path after the change, as [`diff::FileChange::path`](crate::diff::FileChange::path) writes it.
    pub file: String,
    /// Line after the change, from 1. A rule that looks at paths only reports line 1.
    pub line: u32,
    /// Id of the rule.
    pub rule_id: String,
    /// What the rule looks for, in words.
    pub description: String,
    /// Severity of the rule.
    pub severity: Severity,
    /// The line around the finding: at most 160 characters, every secret in it replaced by `[redacted]`.
    pub excerpt: String,
    /// Keyed hash over rule, file and secret in lower-case hexadecimal: stays the same when the line moves.
    pub fingerprint: String,
}

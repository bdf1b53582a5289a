//! Rules: what a secret looks like, read from gitleaks' TOML format.
//!
//! A file written for gitleaks works here and the other way round, with these differences:
//!
//! - gitleaks has no severity. A tag `severity:low`, `severity:medium`, `severity:high` or `severity:critical` gives one,
//!   which gitleaks passes through; without it a rule is `high`, and `medium` where its id contains `generic`.
//! - `[extend] useDefault = true` extends the rules built into this crate, not those of gitleaks. `extend.path`,
//!   `extend.url` and composite rules (`[[rules.required]]`) are refused.
//! - Unknown keys, unknown ids in `disabledRules` and `targetRules`, and two rules of one id are refused.
//! - Encoded text (base64 and so on) is not decoded.

mod allow;
mod compile;
mod error;
mod extend;
mod format;
mod go_regex;

pub(crate) use allow::{Allowlist, Place, Texts};
pub(crate) use compile::Rule;
pub use compile::RuleSet;
pub use error::RulesError;

/// The rule file built into this crate.
pub const DEFAULT_RULES: &str = include_str!("default.toml");

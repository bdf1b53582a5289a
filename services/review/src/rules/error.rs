//! Why a rule file was refused.

/// A rule file that cannot be used. Messages name the rule and the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The file is larger, or has more rules, than allowed.
    #[error("the rule file has {count} {unit}, more than the {limit} allowed")]
    TooLarge {
        /// How many there are.
        count: usize,
        /// Of what.
        unit: &'static str,
        /// How many may be.
        limit: usize,
    },
    /// The file is not TOML.
    #[error("the rule file is not valid TOML: {0}")]
    Syntax(String),
    /// Something outside the rules: a top-level key, `[extend]`, a global allow-list.
    #[error("rule file, {section}: {reason}")]
    Section {
        /// The table it is in.
        section: String,
        /// What is wrong and what to write.
        reason: String,
    },
    /// Something in one rule.
    #[error("rule `{rule}`: {reason}")]
    Rule {
        /// The rule's id, or its position where it has none.
        rule: String,
        /// What is wrong and what to write.
        reason: String,
    },
}

impl RulesError {
    pub(super) fn section(section: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        RulesError::Section { section: section.into(), reason: reason.to_string() }
    }

    pub(super) fn rule(rule: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        RulesError::Rule { rule: rule.into(), reason: reason.to_string() }
    }
}

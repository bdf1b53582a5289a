/// A rule file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule file {file}: {reason}")]
pub struct RulesError {
    /// Which one.
    pub file: String,
    /// What is wrong in it, and what to write.
    pub reason: String,
}

impl RulesError {
    pub(super) fn new(file: String, reason: String) -> Self {
        Self { file, reason }
    }
}

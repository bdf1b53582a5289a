/// Why no pipeline was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The pins cannot be read.
    #[error("the pins of actions: {0}")]
    Pins(String),
    /// A rule names an action without a pin.
    #[error("the action {0} has no pin")]
    Unpinned(String),
    /// A rule names a file that an expression must not.
    #[error("the cache of {0} names a file that is no plain name")]
    CacheFile(String),
    /// A file that was generated is not valid, and is not handed out.
    #[error("the generated {file} is not valid: {reason}")]
    Invalid {
        /// Which one.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
}

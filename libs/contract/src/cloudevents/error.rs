use crate::json::JsonError;

/// Why a record is not an event or job that this process can take. The text names the attribute or field and never
/// carries payload; of what an outside producer wrote elsewhere it shows at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A header that CloudEvents cannot have.
    #[error("malformed headers: {0}")]
    MalformedHeaders(String),
    /// A required attribute is not there.
    #[error("the CloudEvents attribute `{0}` is missing")]
    MissingAttribute(&'static str),
    /// An attribute is there more than once.
    #[error("the CloudEvents attribute `{0}` is given more than once")]
    DuplicateAttribute(String),
    /// An attribute has a value that it must not have.
    #[error("the CloudEvents attribute `{name}` {problem}")]
    InvalidAttribute {
        /// Which one.
        name: String,
        /// What is wrong with its value.
        problem: String,
    },
    /// Data in a media type that is not read here.
    #[error(
        "the content type `{0}` is not supported; use application/protobuf, application/json or application/cloudevents+json"
    )]
    UnsupportedContentType(String),
    /// A type that no known contract declares.
    #[error("the type `{0}` is not declared by any known contract")]
    UnknownType(String),
    /// A type that belongs to another topic.
    #[error("the type `{event_type}` belongs to the topic {belongs_to}, not to {topic}")]
    WrongTopic {
        /// The type.
        event_type: &'static str,
        /// Where it was found.
        topic: String,
        /// Where its contract puts it.
        belongs_to: &'static str,
    },
    /// No value: a tombstone.
    #[error("the record has no value")]
    NullPayload,
    /// Data that is not a valid message of the type.
    #[error("invalid payload: {0}")]
    InvalidPayload(String),
    /// More bytes than allowed.
    #[error("the payload has {size} bytes, and {limit} are allowed")]
    TooLarge {
        /// Bytes there are.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More levels than allowed.
    #[error("the payload is nested deeper than the {limit} levels that are allowed")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// A time so far ahead that it would distort everything ordered or aged by it.
    #[error("the CloudEvents attribute `time` is more than {hours} h ahead of the record's own time")]
    FutureTime {
        /// Hours allowed.
        hours: u64,
    },
}

impl DecodeError {
    /// A short word that stays the same across releases, for metrics and dead letters.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::MalformedHeaders(_) => "malformed_headers",
            Self::MissingAttribute(_) => "missing_attribute",
            Self::DuplicateAttribute(_) => "duplicate_attribute",
            Self::InvalidAttribute { .. } => "invalid_attribute",
            Self::UnsupportedContentType(_) => "unsupported_content_type",
            Self::UnknownType(_) => "unknown_type",
            Self::WrongTopic { .. } => "wrong_topic",
            Self::NullPayload => "null_payload",
            Self::InvalidPayload(_) => "invalid_payload",
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::FutureTime { .. } => "future_time",
        }
    }

    pub(super) fn invalid(name: &str, problem: impl Into<String>) -> Self {
        Self::InvalidAttribute { name: name.to_owned(), problem: problem.into() }
    }
}

impl From<JsonError> for DecodeError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            JsonError::TooDeep { limit } => Self::TooDeep { limit },
            other => Self::InvalidPayload(other.to_string()),
        }
    }
}

/// Text from outside, made fit for a message: one line, at most 64 characters.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(64).map(plain).collect();
    if text.chars().nth(64).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

//! Canonical proto3 JSON, both ways.

mod diagnosis;
mod limits;
mod repeated;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;

pub use limits::Limits;

use crate::Message;
pub(crate) use diagnosis::{Path, diagnose};
pub(crate) use repeated::check_member;

/// Why JSON and protobuf could not be turned into each other. Names places, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// More bytes than allowed.
    #[error("the JSON has {size} bytes, and {limit} are allowed")]
    TooLarge {
        /// Bytes there are.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More brackets inside each other than allowed.
    #[error("the JSON is nested deeper than the {limit} levels that are allowed")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// Not JSON.
    #[error("not valid JSON at line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A member that the message has no field for.
    #[error("`{path}` is not a field of {message}")]
    UnknownField {
        /// Where it stands, for example `change.author.nmae`.
        path: String,
        /// Full name of the message that lacks it.
        message: String,
    },
    /// A member that is there but cannot be read as its field's type.
    #[error("`{path}` must be {expected}")]
    InvalidValue {
        /// Where it stands.
        path: String,
        /// What the contract wants there.
        expected: String,
    },
    /// A member given twice.
    #[error("`{path}` is given more than once")]
    Repeated {
        /// Where it stands.
        path: String,
    },
    /// More than one field of a oneof.
    #[error("`{path}` has more than one field of a oneof")]
    Oneof {
        /// The object that has them.
        path: String,
    },
    /// Bytes that are not this protobuf message.
    #[error("not a valid {message}: {problem}")]
    Protobuf {
        /// Full name of the message.
        message: String,
        /// What the decoder said.
        problem: String,
    },
    /// A protobuf message that JSON has no form for, such as a time beyond the year 9999.
    #[error("this {message} has no JSON form: a time, duration or Any in it is out of range")]
    NotRepresentable {
        /// Full name of the message.
        message: String,
    },
    /// A type that no known contract declares.
    #[error("no known contract declares the type `{message}`")]
    UnknownType {
        /// What was asked for.
        message: String,
    },
}

/// The message with this descriptor, from protobuf to canonical JSON. Fields that the descriptor does not know are left
/// out; unknown enum values become numbers.
///
/// # Errors
/// [`JsonError::Protobuf`] where the bytes are not that message, [`JsonError::NotRepresentable`] where JSON has no form
/// for it.
pub fn to_json(descriptor: &MessageDescriptor, data: &[u8]) -> Result<Value, JsonError> {
    serde_json::to_value(decode(descriptor, data)?)
        .map_err(|_| JsonError::NotRepresentable { message: descriptor.full_name().to_owned() })
}

/// The message with this descriptor, from JSON to protobuf. A member that is no field is an error, as is an enum value
/// by a name that the contract does not have.
///
/// # Errors
/// [`JsonError`] naming the place in the JSON.
pub fn from_json(descriptor: &MessageDescriptor, json: &[u8], limits: &Limits) -> Result<Bytes, JsonError> {
    limits.check(json)?;
    repeated::check(descriptor, json)?;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    DynamicMessage::deserialize(descriptor.clone(), &mut deserializer)
        .and_then(|message| deserializer.end().map(|()| message))
        .map(|message| Bytes::from(message.encode_to_vec()))
        .map_err(|error| explain(&error, json, |value| diagnose(descriptor, value, Path::root())))
}

/// A message to canonical JSON.
///
/// # Errors
/// [`JsonError::NotRepresentable`] where JSON has no form for it.
pub fn message_to_json<M: Message>(message: &M) -> Result<Value, JsonError> {
    to_json(&M::descriptor(), &message.encode_to_vec())
}

/// A message from JSON.
///
/// # Errors
/// [`JsonError`] naming the place in the JSON.
pub fn message_from_json<M: Message>(json: &[u8], limits: &Limits) -> Result<M, JsonError> {
    let data = from_json(&M::descriptor(), json, limits)?;
    M::decode(data).map_err(|error| protobuf(M::TYPE, &error))
}

/// Reads the bytes as this message, or says why they are not.
pub(crate) fn decode(descriptor: &MessageDescriptor, data: &[u8]) -> Result<DynamicMessage, JsonError> {
    DynamicMessage::decode(descriptor.clone(), data).map_err(|error| protobuf(descriptor.full_name(), &error))
}

/// Turns a parser's error, which may quote the document, into one that does not.
pub(crate) fn explain(
    error: &serde_json::Error,
    json: &[u8],
    diagnose: impl FnOnce(&Value) -> JsonError,
) -> JsonError {
    // What is no JSON at all ends here too, whatever the first reader thought of it.
    match serde_json::from_slice::<Value>(json) {
        Ok(value) if error.is_data() => diagnose(&value),
        Ok(_) => JsonError::Syntax { line: error.line(), column: error.column() },
        Err(error) => JsonError::Syntax { line: error.line(), column: error.column() },
    }
}

fn protobuf(message: &str, error: &prost::DecodeError) -> JsonError {
    JsonError::Protobuf { message: message.to_owned(), problem: error.to_string() }
}

//! Structured mode: attributes and data in one JSON object.

use std::fmt;

use base64::Engine;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::attributes::Attributes;
use super::content_type::ContentType;
use super::error::{DecodeError, shown};
use crate::json::{self, JsonError, Limits, Path};

const DATA: &str = "data";
const DATA_BASE64: &str = "data_base64";
/// As many as a record may have headers.
const MAX_MEMBERS: usize = 256;

/// The attributes of an event, its data skipped: only they say what the data is.
pub(super) fn attributes(event: &[u8], limits: &Limits) -> Result<Attributes, DecodeError> {
    limits.check(event)?;
    let members = read(event, |name| match name {
        DATA | DATA_BASE64 => Take::Skip,
        _ => Take::Scalar,
    })
    .map_err(|error| unreadable(&error))?;
    let mut attributes = Attributes::default();
    for (name, member) in members {
        match member {
            Member::Scalar(Value::String(text)) => attributes.add(&name, text)?,
            Member::Scalar(value @ (Value::Bool(_) | Value::Number(_))) => {
                attributes.add(&name, value.to_string())?;
            }
            // The JSON format says that null is the same as absent.
            Member::Scalar(Value::Null) | Member::Skipped | Member::Message(_) => {}
            Member::Scalar(_) => {
                return Err(DecodeError::invalid(&shown(&name), "is neither text, number, true nor false"));
            }
        }
    }
    Ok(attributes)
}

/// The data of an event as protobuf. The event has passed [`attributes`] before.
pub(super) fn data(
    descriptor: &MessageDescriptor,
    event: &[u8],
    content_type: ContentType,
    limits: &Limits,
) -> Result<Bytes, DecodeError> {
    if content_type == ContentType::Json {
        json::check_member(DATA, descriptor, event)?;
    }
    let members = read(event, |name| match name {
        DATA if content_type == ContentType::Json => Take::Message(descriptor),
        DATA | DATA_BASE64 => Take::Scalar,
        _ => Take::Skip,
    })
    .map_err(|error| unreadable_data(&error, descriptor, event))?;
    let mut found = None;
    for (name, member) in members {
        let data = match member {
            Member::Skipped | Member::Scalar(Value::Null) | Member::Message(None) => continue,
            Member::Message(Some(message)) => Bytes::from(message.encode_to_vec()),
            Member::Scalar(_) if name == DATA => {
                return Err(invalid("protobuf data goes into `data_base64`, not into `data`"));
            }
            Member::Scalar(Value::String(text)) => from_base64(descriptor, &text, content_type, limits)?,
            Member::Scalar(_) => return Err(invalid("`data_base64` must be base64 text")),
        };
        if found.replace(data).is_some() {
            return Err(invalid("there is more than one of `data` and `data_base64`"));
        }
    }
    found.ok_or(DecodeError::NullPayload)
}

fn from_base64(
    descriptor: &MessageDescriptor,
    text: &str,
    content_type: ContentType,
    limits: &Limits,
) -> Result<Bytes, DecodeError> {
    let data = base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|_| invalid("`data_base64` is not base64"))?;
    match content_type {
        ContentType::Protobuf => {
            json::decode(descriptor, &data)?;
            Ok(Bytes::from(data))
        }
        ContentType::Json => Ok(json::from_json(descriptor, &data, limits)?),
        ContentType::Structured => {
            Err(DecodeError::UnsupportedContentType(super::STRUCTURED_JSON.to_owned()))
        }
    }
}

fn invalid(problem: &str) -> DecodeError {
    DecodeError::InvalidPayload(problem.to_owned())
}

/// Why the event as a whole cannot be read.
fn unreadable(error: &serde_json::Error) -> DecodeError {
    if error.is_data() {
        return invalid(&format!(
            "a structured CloudEvent must be a JSON object of at most {MAX_MEMBERS} members"
        ));
    }
    JsonError::Syntax { line: error.line(), column: error.column() }.into()
}

/// Names the member of `data` that is wrong.
fn unreadable_data(error: &serde_json::Error, descriptor: &MessageDescriptor, event: &[u8]) -> DecodeError {
    json::explain(error, event, |value| {
        json::diagnose(descriptor, value.get(DATA).unwrap_or(&Value::Null), Path::root().member(DATA))
    })
    .into()
}

/// What to make of a member.
enum Take<'a> {
    Skip,
    Scalar,
    Message(&'a MessageDescriptor),
}

enum Member {
    Skipped,
    Scalar(Value),
    Message(Option<DynamicMessage>),
}

/// Reads an object's members in order, repeated names included: a map would hide them.
fn read<'a>(event: &[u8], take: impl Fn(&str) -> Take<'a>) -> serde_json::Result<Vec<(String, Member)>> {
    let mut deserializer = serde_json::Deserializer::from_slice(event);
    deserializer.deserialize_map(Members(take)).and_then(|members| deserializer.end().map(|()| members))
}

struct Members<F>(F);

impl<'de, 'a, F: Fn(&str) -> Take<'a>> Visitor<'de> for Members<F> {
    type Value = Vec<(String, Member)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.len() == MAX_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            let member = match self.0(&name) {
                Take::Skip => map.next_value::<IgnoredAny>().map(|_| Member::Skipped)?,
                Take::Scalar => Member::Scalar(map.next_value()?),
                Take::Message(descriptor) => Member::Message(map.next_value_seed(Nullable(descriptor))?),
            };
            members.push((name, member));
        }
        Ok(members)
    }
}

/// A message or null.
struct Nullable<'a>(&'a MessageDescriptor);

impl<'de> DeserializeSeed<'de> for Nullable<'_> {
    type Value = Option<DynamicMessage>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Nullable<'_> {
    type Value = Option<DynamicMessage>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        DynamicMessage::deserialize(self.0.clone(), deserializer).map(Some)
    }
}

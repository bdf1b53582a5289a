//! Finds the member that makes a document unreadable. The parser's own message would quote the document; this one
//! names the place and what the contract wants there. Runs only after reading has failed.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::JsonError;

/// A place in a document.
#[derive(Clone)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn root() -> Self {
        Self(String::new())
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        // A member's name comes from outside and could be anything, a secret or a screenful included.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '$' || c == '@';
        let name =
            if name.len() <= 64 && !name.is_empty() && name.chars().all(plain) { name } else { "(…)" };
        Self(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    fn item(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// A map's keys are payload, so an entry is not named.
    fn entry(&self) -> Self {
        Self(format!("{}{{}}", self.0))
    }

    pub(crate) fn finish(self) -> String {
        if self.0.is_empty() { "the document".to_owned() } else { self.0 }
    }
}

/// Why `value` is not a message with this descriptor.
pub(crate) fn diagnose(descriptor: &MessageDescriptor, value: &Value, path: Path) -> JsonError {
    let Value::Object(members) = value else {
        return JsonError::InvalidValue { path: path.finish(), expected: "an object".to_owned() };
    };
    for (name, member) in members {
        let field = descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name));
        let Some(field) = field else {
            return JsonError::UnknownField {
                path: path.member(name).finish(),
                message: descriptor.full_name().to_owned(),
            };
        };
        if !reads(descriptor, name, member.clone()) {
            return of_field(descriptor, &field, name, member, path.member(name));
        }
    }
    // Each member alone can be read, and none is repeated.
    JsonError::Oneof { path: path.finish() }
}

/// Whether an object with this one member can be read.
fn reads(descriptor: &MessageDescriptor, name: &str, member: Value) -> bool {
    let object = Value::Object(Map::from_iter([(name.to_owned(), member)]));
    DynamicMessage::deserialize(descriptor.clone(), object).is_ok()
}

fn of_field(
    descriptor: &MessageDescriptor,
    field: &FieldDescriptor,
    name: &str,
    member: &Value,
    path: Path,
) -> JsonError {
    if field.is_map() {
        let Value::Object(entries) = member else { return invalid(path, "an object") };
        for (key, value) in entries {
            let single = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
            if !reads(descriptor, name, single)
                && let Kind::Message(entry) = field.kind()
            {
                return of_value(&entry.map_entry_value_field().kind(), value, path.entry());
            }
        }
    } else if field.is_list() {
        let Value::Array(items) = member else { return invalid(path, "a list") };
        for (index, item) in items.iter().enumerate() {
            if !reads(descriptor, name, Value::Array(vec![item.clone()])) {
                return of_value(&field.kind(), item, path.item(index));
            }
        }
    }
    of_value(&field.kind(), member, path)
}

fn of_value(kind: &Kind, value: &Value, path: Path) -> JsonError {
    match kind {
        Kind::Message(message) if message.package_name() != "google.protobuf" => {
            diagnose(message, value, path)
        }
        _ => invalid(path, &expected(kind)),
    }
}

fn invalid(path: Path, expected: &str) -> JsonError {
    JsonError::InvalidValue { path: path.finish(), expected: expected.to_owned() }
}

fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "an integer of 32 bits".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "an integer of 32 bits, not negative".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "an integer of 64 bits, as text or number".to_owned(),
        Kind::Uint64 | Kind::Fixed64 => "an integer of 64 bits, not negative, as text or number".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "text".to_owned(),
        Kind::Bytes => "base64 text".to_owned(),
        Kind::Enum(values) => format!("the name of a {}", values.full_name()),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => "an RFC 3339 time such as \"2026-01-31T12:00:00Z\"".to_owned(),
            "google.protobuf.Duration" => "a duration such as \"1.5s\"".to_owned(),
            other => format!("a {other} as JSON"),
        },
    }
}

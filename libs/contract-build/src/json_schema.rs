//! JSON schemas of messages in canonical proto3 JSON.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// Schemas by full name, for `#/components/schemas`.
#[derive(Default)]
pub(crate) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Adds a message and all that it is made of.
    pub(crate) fn add(&mut self, message: &MessageDescriptor) {
        if self.0.contains_key(message.full_name()) {
            return;
        }
        // Present before its fields are looked at, so that a message may contain itself.
        self.0.insert(message.full_name().to_owned(), Value::Null);
        let mut properties = Map::new();
        for field in message.fields() {
            let mut schema = self.of_field(&field);
            let file = field.parent_file();
            // Beside a `$ref` nothing else counts.
            if let (Some(text), Some(object)) = (comment(&file, field.path()), schema.as_object_mut())
                && !object.contains_key("$ref")
            {
                object.insert("description".to_owned(), text.into());
            }
            properties.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        describe(&mut schema, comment(&message.parent_file(), message.path()));
        self.0.insert(message.full_name().to_owned(), schema);
    }

    pub(crate) fn insert(&mut self, name: &str, schema: Value) {
        self.0.insert(name.to_owned(), schema);
    }

    pub(crate) fn into_value(self) -> Value {
        self.0.into_iter().collect()
    }

    fn of_field(&mut self, field: &FieldDescriptor) -> Value {
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let values = self.of_kind(&entry.map_entry_value_field().kind());
            return json!({ "type": "object", "additionalProperties": values });
        }
        let one = self.of_kind(&field.kind());
        if field.is_list() { json!({ "type": "array", "items": one }) } else { one }
    }

    fn of_kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Double | Kind::Float => {
                json!({ "oneOf": [{ "type": "number" }, { "enum": ["NaN", "Infinity", "-Infinity"] }] })
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX })
            }
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            // As text: JSON's numbers are doubles to many readers.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": ["string", "integer"], "pattern": "^-?[0-9]{1,19}$" })
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,20}$", "minimum": 0 })
            }
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Enum(values) => self.of_enum(values),
            Kind::Message(message) => self.of_message(message),
        }
    }

    fn of_enum(&mut self, values: &EnumDescriptor) -> Value {
        let name = values.full_name();
        if name == "google.protobuf.NullValue" {
            return json!({ "type": "null" });
        }
        let names: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
        let mut schema = json!({ "type": "string", "enum": names });
        describe(&mut schema, comment(&values.parent_file(), values.path()));
        self.0.insert(name.to_owned(), schema);
        reference(name)
    }

    /// Google's own types have JSON forms of their own.
    fn of_message(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.Duration" => {
                json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$" })
            }
            "google.protobuf.FieldMask" => json!({ "type": "string" }),
            "google.protobuf.ListValue" => json!({ "type": "array" }),
            "google.protobuf.Struct" | "google.protobuf.Empty" | "google.protobuf.Any" => {
                json!({ "type": "object" })
            }
            "google.protobuf.Value" => json!({}),
            name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
                match message.get_field(1) {
                    Some(wrapped) => self.of_kind(&wrapped.kind()),
                    None => json!({}),
                }
            }
            name => {
                self.add(message);
                reference(name)
            }
        }
    }
}

pub(crate) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn describe(schema: &mut Value, text: Option<String>) {
    if let (Some(text), Some(object)) = (text, schema.as_object_mut()) {
        object.insert("description".to_owned(), text.into());
    }
}

/// The comment above an element, its lines joined.
pub(crate) fn comment(file: &FileDescriptor, path: &[i32]) -> Option<String> {
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    let location = info.location.iter().find(|location| location.path == path)?;
    let text: Vec<_> =
        location.leading_comments().lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if text.is_empty() { None } else { Some(text.join(" ")) }
}

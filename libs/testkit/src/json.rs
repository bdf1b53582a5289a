//! JSON as protobuf's `Struct` has it, for requests that carry some.

use prost_types::{ListValue, Struct, Value, value::Kind};

/// An object.
///
/// # Panics
/// If it is none.
pub fn object(json: serde_json::Value) -> Struct {
    match value(json).kind {
        Some(Kind::StructValue(object)) => object,
        other => panic!("{other:?} is no object"),
    }
}

/// Any value.
///
/// # Panics
/// On a number that no double has.
pub fn value(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(flag) => Kind::BoolValue(flag),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().expect("a double")),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(value).collect() })
        }
        serde_json::Value::Object(members) => Kind::StructValue(Struct {
            fields: members.into_iter().map(|(key, json)| (key, value(json))).collect(),
        }),
    };
    Value { kind: Some(kind) }
}

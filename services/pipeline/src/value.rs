//! JSON as protobuf's well-known types, and back.

use prost_types::{ListValue, Struct, Value as Proto, value::Kind};
use serde_json::{Map, Number, Value};

/// Levels of nesting at most; protobuf's own readers stop at 100.
const MAX_DEPTH: usize = 32;

/// As protobuf has it. Whole numbers beyond 2^53 lose their last digits there, and what is nested deeper than 32 levels
/// becomes its JSON text.
pub(crate) fn to_proto(value: &Value) -> Proto {
    proto(value, 0)
}

/// The same for an object.
pub(crate) fn to_struct(members: &Map<String, Value>) -> Struct {
    Struct { fields: members.iter().map(|(name, value)| (name.clone(), proto(value, 1))).collect() }
}

/// An object's members. Numbers without a fraction are whole again.
pub(crate) fn from_struct(of: &Struct) -> Map<String, Value> {
    of.fields.iter().map(|(name, value)| (name.clone(), from_proto(value))).collect()
}

fn proto(value: &Value, depth: usize) -> Proto {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        nested if depth >= MAX_DEPTH => Kind::StringValue(nested.to_string()),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.iter().map(|item| proto(item, depth + 1)).collect() })
        }
        Value::Object(members) => Kind::StructValue(Struct {
            fields: members.iter().map(|(name, value)| (name.clone(), proto(value, depth + 1))).collect(),
        }),
    };
    Proto { kind: Some(kind) }
}

fn from_proto(value: &Proto) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(*flag),
        Some(Kind::NumberValue(number)) => whole(*number),
        Some(Kind::StringValue(text)) => Value::String(text.clone()),
        Some(Kind::ListValue(list)) => Value::Array(list.values.iter().map(from_proto).collect()),
        Some(Kind::StructValue(of)) => Value::Object(from_struct(of)),
    }
}

fn whole(number: f64) -> Value {
    // Exactly the whole numbers that a double holds without loss.
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        return Value::Number((number as i64).into());
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

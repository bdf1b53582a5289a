use prost_types::{ListValue, Struct, value::Kind};
use serde_json::{Map, Number, Value};

/// Whole numbers up to here are exact in a `google.protobuf.Struct`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The members of a protobuf object as JSON. Whole numbers are written without a fraction.
pub(crate) fn members(object: Struct) -> Map<String, Value> {
    object.fields.into_iter().map(|(name, value)| (name, json(value))).collect()
}

fn json(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(number)) => json_number(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(ListValue { values })) => Value::Array(values.into_iter().map(json).collect()),
        Some(Kind::StructValue(object)) => Value::Object(members(object)),
    }
}

fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

//! JSON in protobuf's clothes, and out of them.

use prost_types::{ListValue, Struct, Value as Wire, value::Kind};
use serde_json::{Map, Number, Value};

use crate::error::Error;

/// Whole numbers up to here are the same in a double.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A value as JSON. Whole numbers come back as such.
///
/// # Errors
/// A number that JSON has not.
pub(crate) fn from_wire(field: &'static str, value: Wire) -> Result<Value, Error> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::NumberValue(number)) => Value::Number(
            self::number(number).ok_or_else(|| Error::invalid(field, "has a number that is none"))?,
        ),
        Some(Kind::ListValue(list)) => Value::Array(from_list(field, list)?),
        Some(Kind::StructValue(fields)) => Value::Object(from_struct(field, fields)?),
    })
}

/// A list as JSON.
///
/// # Errors
/// As [`from_wire`].
pub(crate) fn from_list(field: &'static str, list: ListValue) -> Result<Vec<Value>, Error> {
    list.values.into_iter().map(|value| from_wire(field, value)).collect()
}

/// An object as JSON.
///
/// # Errors
/// As [`from_wire`].
pub(crate) fn from_struct(field: &'static str, fields: Struct) -> Result<Map<String, Value>, Error> {
    fields.fields.into_iter().map(|(key, value)| Ok((key, from_wire(field, value)?))).collect()
}

/// An object that takes at most so many bytes as JSON.
///
/// # Errors
/// As [`from_wire`], and for a larger one.
pub(crate) fn bounded(
    field: &'static str,
    fields: Struct,
    limit: usize,
) -> Result<Map<String, Value>, Error> {
    let object = from_struct(field, fields)?;
    within(field, &Value::Object(object.clone()), limit)?;
    Ok(object)
}

/// Checks the size of a value as JSON.
///
/// # Errors
/// For a larger one.
pub(crate) fn within(field: &'static str, value: &Value, limit: usize) -> Result<(), Error> {
    if value.to_string().len() > limit {
        return Err(Error::invalid(field, format!("has more than {limit} bytes as JSON")));
    }
    Ok(())
}

/// JSON as a value of protobuf.
pub(crate) fn to_wire(value: &Value) -> Wire {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(to_wire).collect() }),
        Value::Object(members) => Kind::StructValue(to_struct(members)),
    };
    Wire { kind: Some(kind) }
}

/// A JSON object as one of protobuf.
pub(crate) fn to_struct(members: &Map<String, Value>) -> Struct {
    Struct { fields: members.iter().map(|(key, value)| (key.clone(), to_wire(value))).collect() }
}

fn number(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

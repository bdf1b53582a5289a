use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{DEPTH, Data, Node};

/// The first document of a file. Anchors that grow without end are refused by the parser's own limits.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first: Spanned<Value> = serde_saphyr::from_str(text).map_err(|error| first_line(&error))?;
    node(first, 0)
}

fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn node(value: Spanned<Value>, depth: usize) -> Result<Node, String> {
    if depth > DEPTH {
        return Err(format!("it nests deeper than {DEPTH}"));
    }
    let line = u32::try_from(value.referenced.line()).unwrap_or(u32::MAX);
    let data = match value.value {
        Value::Nothing => Data::Nothing,
        Value::Scalar(text) => Data::Scalar(text),
        Value::List(items) => {
            Data::List(items.into_iter().map(|item| node(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((key, node(value, depth + 1)?)));
            Data::Map(entries.collect::<Result<_, String>>()?)
        }
    };
    Ok(Node { line, data })
}

enum Value {
    Nothing,
    Scalar(String),
    List(Vec<Spanned<Value>>),
    Map(Vec<(String, Spanned<Value>)>),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Value>()? {
            let value = entries.next_value()?;
            // Only a scalar can be asked for.
            if let Value::Scalar(key) = key {
                map.push((key, value));
            }
        }
        Ok(Value::Map(map))
    }
}

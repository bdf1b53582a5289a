//! Refuses an object that gives a field twice. Canonical JSON wants that, and readers that take the first or the last
//! would otherwise see two different events in the same bytes. prost-reflect takes the last.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{JsonError, Path};

/// Checks a document that is this message. What is no JSON or no such message is left to the reader.
pub(crate) fn check(descriptor: &MessageDescriptor, json: &[u8]) -> Result<(), JsonError> {
    walk(&Shape::Message(descriptor.clone()), json)
}

/// Checks a document that has this message in one of its members.
pub(crate) fn check_member(
    name: &'static str,
    descriptor: &MessageDescriptor,
    json: &[u8],
) -> Result<(), JsonError> {
    walk(&Shape::Around(name, descriptor.clone()), json)
}

fn walk(shape: &Shape, json: &[u8]) -> Result<(), JsonError> {
    let trail = RefCell::new(Trail::default());
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let ended = Walk { shape, trail: &trail }.deserialize(&mut deserializer);
    let trail = trail.into_inner();
    if ended.is_err() && trail.found {
        let path = trail.names.iter().rev().fold(Path::root(), |path, name| path.member(name));
        return Err(JsonError::Repeated { path: path.finish() });
    }
    Ok(())
}

#[derive(Clone)]
enum Shape {
    Message(MessageDescriptor),
    /// An object with this message in the member of this name.
    Around(&'static str, MessageDescriptor),
    /// A map with these values.
    Map(Box<Shape>),
    Other,
}

impl Shape {
    fn of_kind(kind: Kind) -> Self {
        match kind {
            // Google's own types have JSON forms of their own.
            Kind::Message(message) if message.package_name() != "google.protobuf" => Self::Message(message),
            _ => Self::Other,
        }
    }

    fn of_field(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                Self::Map(Box::new(Self::of_kind(entry.map_entry_value_field().kind())))
            }
            kind => Self::of_kind(kind),
        }
    }
}

/// Whether and where a field was found twice; names from the inside out.
#[derive(Default)]
struct Trail {
    found: bool,
    names: Vec<String>,
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    shape: &'a Shape,
    trail: &'a RefCell<Trail>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut numbers, mut names) = (HashSet::new(), HashSet::new());
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            let (is_new, shape) = match self.shape {
                Shape::Message(message) => {
                    let field =
                        message.get_field_by_json_name(&name).or_else(|| message.get_field_by_name(&name));
                    let Some(field) = field else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    (numbers.insert(field.number()), Cow::Owned(Shape::of_field(&field)))
                }
                Shape::Around(member, message) if name == *member => {
                    // Whoever reads the members around the message judges their names.
                    (true, Cow::Owned(Shape::Message(message.clone())))
                }
                Shape::Around(..) => (true, Cow::Owned(Shape::Other)),
                Shape::Map(values) => (names.insert(name.to_string()), Cow::Borrowed(values.as_ref())),
                Shape::Other => (names.insert(name.to_string()), Cow::Borrowed(self.shape)),
            };
            let result = if is_new {
                map.next_value_seed(Walk { shape: &shape, trail: self.trail })
            } else {
                self.trail.borrow_mut().found = true;
                Err(A::Error::custom("given twice"))
            };
            if let Err(error) = result {
                // A map's keys are payload; `member` would not show them, but the map itself is place enough.
                if !matches!(self.shape, Shape::Map(_) | Shape::Other) {
                    self.trail.borrow_mut().names.push(name.into_owned());
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

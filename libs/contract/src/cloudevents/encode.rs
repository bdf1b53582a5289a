use bytes::Bytes;
use serde_json::{Map, Value};

use super::{CONTENT_TYPE, JSON, PREFIX, PROTOBUF};
use crate::json::{JsonError, to_json};
use crate::{Catalog, Envelope, Header, Record, TRACEPARENT, Timestamp};

/// Years 0 to 9999: what RFC 3339 can write.
const CALENDAR: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// The record of an event or job: binary mode, protobuf data, keyed by the partition key.
pub fn to_record(envelope: &Envelope) -> Record {
    let mut headers = vec![Header::text(CONTENT_TYPE, PROTOBUF)];
    for (name, value) in attributes(envelope) {
        headers.push(Header::text(&format!("{PREFIX}{name}"), value));
    }
    if let Some(traceparent) = &envelope.traceparent {
        headers.push(Header::text(TRACEPARENT, traceparent.as_str()));
    }
    Record {
        key: envelope.partition_key.as_ref().map(|key| Bytes::copy_from_slice(key.as_bytes())),
        headers,
        value: Some(envelope.data.clone()),
        timestamp: Timestamp::default(),
    }
}

/// The same as one object of structured CloudEvents JSON, its data as canonical proto3 JSON.
///
/// # Errors
/// [`JsonError`] where the catalogue does not have the type, or the data is not that type.
pub fn to_structured_json(envelope: &Envelope, catalog: &Catalog) -> Result<Value, JsonError> {
    let descriptor = catalog
        .message(&envelope.r#type)
        .ok_or_else(|| JsonError::UnknownType { message: super::error::shown(&envelope.r#type) })?;
    let mut event = Map::new();
    for (name, value) in attributes(envelope) {
        event.insert(name.to_owned(), Value::String(value));
    }
    if let Some(traceparent) = &envelope.traceparent {
        event.insert(TRACEPARENT.to_owned(), Value::String(traceparent.clone()));
    }
    event.insert("datacontenttype".to_owned(), Value::String(JSON.to_owned()));
    event.insert("data".to_owned(), to_json(&descriptor, &envelope.data)?);
    Ok(Value::Object(event))
}

fn attributes(envelope: &Envelope) -> impl Iterator<Item = (&'static str, String)> {
    let time = CALENDAR.contains(&envelope.time.micros()).then(|| envelope.time.to_string());
    [
        ("specversion", Some("1.0".to_owned())),
        ("id", Some(envelope.id.clone())),
        ("source", Some(envelope.source.clone())),
        ("type", Some(envelope.r#type.clone())),
        ("subject", envelope.subject.clone()),
        ("time", time),
        ("partitionkey", envelope.partition_key.clone()),
        ("correlationid", envelope.correlation_id.clone()),
        ("causationid", envelope.causation_id.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

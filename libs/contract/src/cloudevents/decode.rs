use bytes::Bytes;
use prost_reflect::MessageDescriptor;

use super::attributes::{Attributes, Headers};
use super::content_type::ContentType;
use super::error::{DecodeError, shown};
use super::{CONTENT_TYPE, structured};
use crate::json::{self, Limits};
use crate::{Catalog, Envelope, Record, Timestamp};

/// Where in the log a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Name of the topic.
    pub topic: &'a str,
    /// Partition, from 0.
    pub partition: i32,
    /// Offset in the partition, from 0.
    pub offset: i64,
}

/// Reads an event that stands at `origin`, in whichever of the four forms it is. Its type must be one that the catalogue
/// has and that belongs to the topic.
///
/// # Errors
/// [`DecodeError`]; the record will not become readable by trying again.
pub fn decode(
    record: &Record,
    origin: Origin<'_>,
    catalog: &Catalog,
    limits: &Limits,
) -> Result<Envelope, DecodeError> {
    let headers = Headers::read(record)?;
    let ingest = catalog.ingest_event(origin.topic);
    let mut envelope = match (form(&headers)?, ingest) {
        (Form::Bare, Some(event)) => bare(record, origin, event.r#type, &headers, catalog, limits)?,
        (form, _) => attributed(record, form, headers, catalog, limits, |r#type| {
            let event = catalog.event(r#type).ok_or_else(|| DecodeError::UnknownType(shown(r#type)))?;
            if event.topic.name == origin.topic {
                Ok(())
            } else {
                Err(DecodeError::WrongTopic {
                    event_type: event.r#type,
                    topic: shown(origin.topic),
                    belongs_to: event.topic.name,
                })
            }
        })?,
    };
    if envelope.partition_key.is_none() && ingest.is_some() {
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        envelope.partition_key = key.filter(|key| !key.is_empty()).map(str::to_owned);
    }
    Ok(envelope)
}

/// Reads a job as [`to_record`](super::to_record) wrote it. Its type must be a job that the catalogue has.
///
/// # Errors
/// [`DecodeError`]; the record will not become readable by trying again.
pub fn decode_job(record: &Record, catalog: &Catalog, limits: &Limits) -> Result<Envelope, DecodeError> {
    let headers = Headers::read(record)?;
    attributed(record, form(&headers)?, headers, catalog, limits, |r#type| match catalog.job(r#type) {
        Some(_) => Ok(()),
        None => Err(DecodeError::UnknownType(shown(r#type))),
    })
}

/// The type of a record in binary mode, without a look at its data: a consumer can pass over types that it has no handler
/// for. `None` where only [`decode`] can tell.
pub fn peek_type(record: &Record) -> Option<String> {
    let structured = record.headers.iter().any(|header| {
        header.key.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes())
            && header.value.as_ref().is_none_or(|value| {
                std::str::from_utf8(value).map(ContentType::parse) == Ok(Ok(ContentType::Structured))
            })
    });
    if structured {
        return None;
    }
    let mut types = record.headers.iter().filter(|header| header.key == "ce_type");
    match (types.next(), types.next()) {
        (Some(header), None) => String::from_utf8(header.value.as_ref()?.to_vec()).ok(),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Form {
    Binary(ContentType),
    Structured,
    Bare,
}

fn form(headers: &Headers) -> Result<Form, DecodeError> {
    let content_type = headers.content_type.as_deref().map(ContentType::parse).transpose()?;
    match (content_type, headers.attributes.is_empty()) {
        (Some(ContentType::Structured), _) => Ok(Form::Structured),
        (Some(ContentType::Json) | None, true) => Ok(Form::Bare),
        (Some(content_type), _) => Ok(Form::Binary(content_type)),
        (None, false) => Err(DecodeError::MissingAttribute("datacontenttype")),
    }
}

/// A record that says what it is. `accept` judges the type before any data is looked at.
fn attributed(
    record: &Record,
    form: Form,
    headers: Headers,
    catalog: &Catalog,
    limits: &Limits,
    accept: impl FnOnce(&str) -> Result<(), DecodeError>,
) -> Result<Envelope, DecodeError> {
    let Headers { mut attributes, traceparent, .. } = headers;
    let structured = matches!(form, Form::Structured);
    if structured {
        attributes = structured::attributes(value(record, limits)?, limits)?;
    }
    attributes.check_version()?;
    let id = attributes.required("id")?;
    let source = attributes.required("source")?;
    let r#type = attributes.required("type")?;
    accept(&r#type)?;
    let time = attributes.time(record.timestamp)?;
    let descriptor = descriptor(&r#type, catalog)?;
    let value = value(record, limits)?;
    let data = match form {
        Form::Binary(ContentType::Protobuf) => {
            json::decode(&descriptor, value)?;
            value.clone()
        }
        Form::Structured => {
            let content_type = match attributes.optional("datacontenttype") {
                Some(text) => ContentType::parse(&text)?,
                None => ContentType::Json,
            };
            structured::data(&descriptor, value, content_type, limits)?
        }
        Form::Binary(_) | Form::Bare => json::from_json(&descriptor, value, limits)?,
    };
    Ok(envelope(id, source, r#type, time, data, attributes, traceparent))
}

/// A JSON object and nothing else: the topic says what it is, and its place in the log is its identity.
fn bare(
    record: &Record,
    origin: Origin<'_>,
    r#type: &str,
    headers: &Headers,
    catalog: &Catalog,
    limits: &Limits,
) -> Result<Envelope, DecodeError> {
    let data = json::from_json(&descriptor(r#type, catalog)?, value(record, limits)?, limits)?;
    let Origin { topic, partition, offset } = origin;
    Ok(envelope(
        format!("{topic}/{partition}/{offset}"),
        format!("/kafka/{topic}"),
        r#type.to_owned(),
        record.timestamp,
        data,
        Attributes::default(),
        headers.traceparent.clone(),
    ))
}

fn envelope(
    id: String,
    source: String,
    r#type: String,
    time: Timestamp,
    data: Bytes,
    mut attributes: Attributes,
    traceparent: Option<String>,
) -> Envelope {
    Envelope {
        id,
        source,
        r#type,
        time,
        data,
        subject: attributes.optional("subject"),
        partition_key: attributes.optional("partitionkey"),
        traceparent: attributes.traceparent(traceparent),
        correlation_id: attributes.optional("correlationid"),
        causation_id: attributes.optional("causationid"),
    }
}

fn value<'a>(record: &'a Record, limits: &Limits) -> Result<&'a Bytes, DecodeError> {
    let value = record.value.as_ref().ok_or(DecodeError::NullPayload)?;
    if value.len() > limits.max_bytes {
        return Err(DecodeError::TooLarge { size: value.len(), limit: limits.max_bytes });
    }
    Ok(value)
}

fn descriptor(r#type: &str, catalog: &Catalog) -> Result<MessageDescriptor, DecodeError> {
    catalog.message(r#type).ok_or_else(|| DecodeError::UnknownType(shown(r#type)))
}

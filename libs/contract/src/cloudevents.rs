//! The CloudEvents 1.0 Kafka protocol binding: envelopes to and from records. The same binding carries jobs in a queue.
//!
//! Septet writes binary mode with protobuf data ([`to_record`]). It reads four forms ([`decode`]): binary mode with
//! protobuf or JSON data, structured `application/cloudevents+json`, and, on ingest topics, a JSON object without any
//! CloudEvents headers. All of them end as one [`Envelope`](crate::Envelope) whose data is valid protobuf.

mod attributes;
mod content_type;
mod decode;
mod encode;
mod error;
mod structured;

pub use attributes::MAX_ATTRIBUTE_BYTES;
pub use decode::{Origin, decode, decode_job, peek_type};
pub use encode::{to_record, to_structured_json};
pub use error::DecodeError;

/// The media type of protobuf data.
pub const PROTOBUF: &str = "application/protobuf";
/// The media type of JSON data.
pub const JSON: &str = "application/json";
/// The media type of a structured CloudEvent.
pub const STRUCTURED_JSON: &str = "application/cloudevents+json";

/// Header that names the media type of the value.
const CONTENT_TYPE: &str = "content-type";
/// What the names of attributes begin with in headers.
const PREFIX: &str = "ce_";

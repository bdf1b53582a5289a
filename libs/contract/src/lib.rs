//! What a contract is: events, jobs, their envelope, and the two encodings they travel in. No I/O and no runtime, so
//! that anything may depend on it.
//!
//! Contract crates (`proto/septet/*`) implement [`Event`] and [`Job`] from the options in their `.proto` files; see
//! `septet-contract-build`.

pub mod cloudevents;
mod envelope;
pub mod json;
mod manifest;
mod message;
mod record;
mod time;

pub use envelope::{Cause, Envelope};
pub use json::Limits;
pub use manifest::{Catalog, Contract, EventSpec, JobSpec, RpcSpec, TopicSpec};
pub use message::{Event, Job, Message};
pub use record::{Header, Record};
pub use time::Timestamp;

/// Name of the header that carries the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

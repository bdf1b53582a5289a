//! What operators see and do: health and metrics over HTTP, `AdminService` over gRPC.

mod describe;
mod events;
mod http;
mod letters;
mod service;
mod topics;

pub use events::event_json;
pub(crate) use http::{serve, upkeep};
pub(crate) use service::Admin;
pub(crate) use topics::behind;

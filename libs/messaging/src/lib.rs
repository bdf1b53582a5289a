//! How a service takes in and gives out: one unit of work ([`Cx`]), one outbox with two lanes, one inbox, and the loops
//! that move records between the service's database and the log and queue.
//!
//! The promise: delivery is at least once; effects in a service's own database happen exactly once; calls to the
//! outside world happen at least once and carry an idempotency key.

mod availability;
#[macro_use]
mod planted;

mod batch;
mod bulk;
mod cx;
mod dead_letter;
mod delivery;
mod dispatch;
mod handle;
mod headers;
mod holds;
mod inbox;
pub mod log;
mod outbox;
mod partition;
pub mod queue;
mod relay;
mod replay;
mod request;
mod retry;
mod settings;
mod start;
mod worker;
mod write;

pub use cx::{Cx, CxError, Units};
pub use dead_letter::{DeadLetter, DeadLetterState, DeadLetters, Reason, first_topic};
pub use dispatch::{DispatchError, Dispatcher};
pub use handle::{Handle, HandleError, Handlers, Work};
pub use outbox::{Lane, Pending};
pub use relay::Relay;
pub use replay::{Replay, ReplayError, Replayed};
pub use request::RequestKey;
pub use retry::Backoff;
pub use settings::Settings;
pub use worker::Worker;
pub use write::{Column, Value, Write};

use septet_store::Migrations;

/// The tables that this crate keeps in each service's database.
pub fn migrations() -> Migrations {
    septet_store::migrations!("messaging")
}

/// Topic of the records that a consumer group could not take, for whoever wants to see them outside.
pub fn dead_letter_topic(group: &str) -> String {
    format!("{group}.dlq")
}

/// Topic by which dead letters come back to the group that could not take them, and to no other.
pub fn redrive_topic(group: &str) -> String {
    format!("{group}.redrive")
}

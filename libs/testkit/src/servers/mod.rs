//! Real servers for tests: those that the environment names, else the installed ones, started on a free loopback
//! port with data of their own. One of each for a test process; they end with it, however it ends.
//!
//! Where a server is absent, the test prints `SKIPPED <server>: <why>` and is over; with `CI=true` it fails with that
//! line instead, so that a skip is never mistaken for a pass. One that is installed and does not start fails the test.

mod kafka;
mod kafka_mock;
mod own;
mod postgres;
mod rabbitmq;

pub use kafka::{Kafka, kafka};
pub use kafka_mock::{KafkaMock, kafka_mock};
pub use postgres::{Postgres, postgres};
pub use rabbitmq::{RabbitMq, rabbitmq};

/// Tells of an absent server, as [`self`] says.
///
/// # Panics
/// With `CI=true`.
#[allow(clippy::print_stderr, reason = "a test's output is where a skip must be seen")]
pub fn skip(server: &str, why: &str) {
    let line = format!("SKIPPED {server}: {why}");
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{line}");
    eprintln!("{line}");
}

//! Real servers for tests: those that the environment names, else Debian's installed ones, started on a free loopback
//! port with data of their own. One of each for a test process; they end with it, however it ends.
//!
//! Where a server is absent, the test prints `SKIPPED <server>: <why>` and is over; with `CI=true` it fails with that
//! line instead, so that a skip is never mistaken for a pass.

mod kafka;
mod postgres;
mod process;
mod rabbitmq;

pub use kafka::{KafkaMock, kafka_mock};
pub use postgres::{Postgres, postgres};
pub(crate) use process::target_dir;
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

//! What Septet's tests stand on: [`conformance`] suites that every log and queue backend passes, a [`history`] checker,
//! real [`servers`], a [`service`] in a process of the test's own, and [`evidence`] that failed tests leave behind. A dev-dependency only.

pub mod certificates;
pub mod client;
pub mod conformance;
mod eventually;
pub mod evidence;
pub mod history;
pub mod json;
pub mod proxy;
pub mod servers;
pub mod service;

pub use eventually::{Deadline, eventually, eventually_in, within};

/// Tells of data that is no part of this repository and was not found. Unlike an absent server, it fails no test in CI
/// either: where it may be had from is not for a build to decide.
#[allow(clippy::print_stderr, reason = "a test's output is where a skip must be seen")]
pub fn skipped(data: &str, why: &str) {
    eprintln!("SKIPPED {data}: {why}");
}

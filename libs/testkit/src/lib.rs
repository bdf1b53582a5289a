//! What Septet's tests stand on: [`conformance`] suites that every log and queue backend passes, a [`history`] checker,
//! real [`servers`], a [`service`] in a process of the test's own, and [`evidence`] that failed tests leave behind. A dev-dependency only.

pub mod certificates;
pub mod client;
pub mod conformance;
mod eventually;
pub mod evidence;
pub mod history;
pub mod proxy;
pub mod servers;
pub mod service;

pub use eventually::{Deadline, eventually, eventually_in, within};

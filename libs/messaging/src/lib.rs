//! How a service takes in and gives out: one unit of work ([`Cx`]), one outbox with two lanes, one inbox, and the loops
//! that move records between the service's database and the log and queue.
//!
//! The promise: delivery is at least once; effects in a service's own database happen exactly once; calls to the
//! outside world happen at least once and carry an idempotency key.

pub mod log;
pub mod queue;

//! What a service shows of itself: logs, traces and metrics.
//!
//! [`init`] installs logging and tracing for the process, [`metrics`] the Prometheus recorder, [`grpc`] has the tower
//! layers that make a span and a duration of every call, and [`propagation`] carries the trace from one service to
//! the next over gRPC headers, event headers and job headers.
//!
//! Nothing here reads or writes a payload: spans and labels hold names out of contracts, never ids or data.

mod config;
mod error;
pub mod grpc;
mod init;
mod json_log;
pub mod metrics;
mod otel;
pub mod propagation;

pub use config::{Config, LogFormat};
pub use error::TelemetryError;
pub use init::{Guard, init};

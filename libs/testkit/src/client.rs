//! The client that services call each other with, for tests that stand in for a service.

pub use septet_chassis::{Channel, remote};

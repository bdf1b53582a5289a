//! Journeys through the command line and gRPC only, as a user has them.

mod command;
mod repository;

pub use command::{Finished, Running, Septet};
pub use repository::{Planted, Repository};

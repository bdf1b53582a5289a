//! Journeys as users and operators have them: through the command line, gRPC and topics only. [`Septet`] is the command
//! line on a directory of its own, [`Deployment`] is Septet deployed in either topology, on [`Servers`] or without any.

mod children;
mod command;
mod deployment;
mod grpc;
mod python;
mod repository;
mod servers;

pub use command::{Finished, Running, Septet};
pub use deployment::{Deployment, SERVICES};
pub use grpc::{Bearer, Channel};
pub use python::Python;
pub use repository::{Planted, Repository};
pub use servers::Servers;

//! The gRPC side of a process: one router for all its services, behind one stack of layers.

mod bounds;
mod ending;
mod server;

pub(crate) use bounds::Bounds;
pub(crate) use server::{Health, Stack, serve};

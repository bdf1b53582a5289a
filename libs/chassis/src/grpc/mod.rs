//! The gRPC side of a process: one router for all its services, behind one stack of layers.

mod bounds;
mod calls;
mod server;

pub(crate) use bounds::Bounds;
pub(crate) use calls::Calls;
pub(crate) use server::{Health, Stack, serve};

//! The gRPC side of a process: one router for all its services, behind one stack of layers.

mod accept;
mod bounds;
mod calls;
mod connection;
mod server;

pub(crate) use accept::Incoming;
pub(crate) use bounds::Bounds;
pub(crate) use calls::Calls;
pub(crate) use connection::{Connection, Peer};
pub(crate) use server::{Health, Stack, serve};

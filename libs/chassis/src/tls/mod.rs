//! TLS from files: certificates, keys and authorities in PEM, which are read again when they change.

mod names;
mod pem;
mod renewed;
mod server;

pub(crate) use names::names;
pub(crate) use pem::{authorities, certificates, key};
pub(crate) use renewed::Renewed;
pub(crate) use server::{Protocol, server};

//! The contract of docs: the public API of each change, what breaks it, and pages gone stale.

/// Version 1 of the contract. Generated from the files in `v1/`; read those.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("septet.docs.v1");
    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

pub use v1::CONTRACT;

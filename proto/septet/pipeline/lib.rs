//! The contract of pipeline: durable runs of pipelines.

/// Version 1 of the contract. Generated from the files in `v1/`; read those.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("septet.pipeline.v1");
    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

pub use v1::CONTRACT;

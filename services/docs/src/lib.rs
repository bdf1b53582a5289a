//! The docs service: reads the public API of each change, compares it with that before, and tells what breaks, what is not
//! documented, and which pages name what is gone.
//!
//! The domain is pure: texts in, facts out ([`source`]); facts of a tree in, an API out ([`resolve`]); APIs in, differences
//! and a verdict out ([`compare`], [`coverage`], [`stale`], [`gate`]); no clock, randomness, files or network.

pub mod api;
mod check;
pub mod compare;
mod config;
mod convert;
pub mod coverage;
mod error;
mod events;
mod forget;
pub mod gate;
mod grpc;
mod jobs;
pub mod resolve;
mod snapshot;
pub mod source;
pub mod stale;
mod store;
mod tree;

use septet_chassis::{Channel, Service, Units, migrations};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_docs::{
    CONTRACT,
    v1::{CheckChange, docs_service_server::DocsServiceServer},
};

pub use config::Config;
use snapshot::Snapshots;

/// The service.
pub struct Docs {
    units: Units,
    config: Config,
    snapshots: Snapshots,
    /// Has the trees and contents.
    devops: Channel,
}

/// What the service does.
pub fn service() -> Service<Docs> {
    Service::new(&CONTRACT, migrations!("docs"), |boot| async move {
        let config: Config = boot.config()?;
        let devops = boot.channel("devops");
        let snapshots = Snapshots::new(boot.units(), devops.clone(), config.clone());
        Ok(Docs { units: boot.units(), config, snapshots, devops })
    })
    .config::<Config>()
    .grpc(DocsServiceServer::from_arc)
    .on::<ChangePushed>()
    .work::<CheckChange>()
    .background("forget-blobs", forget::run)
}

//! The cx service: feature flags and experiments with assignment that is the same everywhere, what units do, and what the
//! experiments come to.
//!
//! The domain ([`flag`], [`analysis`], [`funnel`]) is pure: definitions and figures in, values and results out; no clock,
//! randomness, files or network.

mod activity;
pub mod analysis;
mod catalog;
mod config;
mod count;
mod error;
mod events;
mod experiments;
pub mod flag;
pub mod funnel;
mod funnels;
mod grpc;
mod ingest;
mod json;
mod judge;
mod purge;
mod store;

use std::{sync::Arc, time::Duration};

use septet_chassis::{Boot, Service, Units, migrations, store::Leases};
use septet_proto_cx::{
    CONTRACT,
    v1::{ActivitySubmitted, cx_service_server::CxServiceServer},
};

use catalog::Catalog;
pub use config::Config;

/// How long a replica that stopped renewing keeps what only one replica does.
const LEASE: Duration = Duration::from_secs(8);

/// The service.
pub struct Experience {
    units: Units,
    settings: Config,
    catalog: Catalog,
    leases: Leases,
}

impl Experience {
    fn new(boot: &Boot) -> anyhow::Result<Self> {
        let units = boot.units();
        let owner = uuid::Uuid::now_v7().to_string();
        Ok(Self {
            settings: boot.config()?,
            catalog: Catalog::default(),
            leases: Leases::new(units.store().clone(), owner, LEASE),
            units,
        })
    }
}

/// What the service does.
pub fn service() -> Service<Experience> {
    Service::new(&CONTRACT, migrations!("cx"), |boot| async move { Experience::new(&boot) })
        .config::<Config>()
        .grpc(|experience: Arc<Experience>| CxServiceServer::from_arc(experience))
        .on::<ActivitySubmitted>()
        .background("judge", judge::run)
        .background("purge", purge::run)
}

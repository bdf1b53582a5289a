//! The soc service: evaluates detection rules over the suite's events and outside signals, raises alerts, and says of each
//! change what it means to security.
//!
//! The domain ([`sigma`], [`signal`]) is pure but for reading rule files: events and rules in, hits out; no clock, randomness or
//! network.

mod alert;
pub mod builtin;
mod config;
mod detector;
mod error;
mod events;
mod facts;
mod grpc;
mod ingest;
mod live;
pub mod sigma;
pub mod signal;
mod store;

use std::sync::Arc;

use septet_chassis::{Boot, Service, Units, migrations};
use septet_proto_common::v1::AccessDenied;
use septet_proto_cx::v1::GuardrailBreached;
use septet_proto_devops::v1::{ChangePushed, ReleaseDecided};
use septet_proto_pipeline::v1::RunFinished;
use septet_proto_review::v1::ReviewCompleted;
use septet_proto_soc::{
    CONTRACT,
    v1::{SignalSubmitted, soc_service_server::SocServiceServer},
};
use tokio::sync::{Semaphore, watch};

pub use config::Config;
use detector::Detector;
use facts::ChangeFacts;

/// The service.
pub struct Soc {
    units: Units,
    detector: Arc<Detector>,
    facts: ChangeFacts,
    /// Changes whenever alerts were raised or closed here.
    moved: watch::Sender<u64>,
    watchers: Arc<Semaphore>,
    settings: Config,
}

impl Soc {
    async fn new(boot: Boot) -> anyhow::Result<Self> {
        let settings: Config = boot.config()?;
        let of = settings.clone();
        // Thousands of files and expressions: too long for the runtime's threads.
        let rules = tokio::task::spawn_blocking(move || detector::load(&of)).await??;
        for rejected in rules.rejected() {
            let (line, reason) = (rejected.error.line, &rejected.error.reason);
            tracing::warn!(file = &*rejected.file, line, reason, "a rule is not evaluated");
        }
        tracing::info!(live = rules.rules().len(), rejected = rules.rejected().len(), "rules are loaded");
        Ok(Self {
            units: boot.units(),
            detector: Arc::new(Detector::new(rules)),
            facts: ChangeFacts::new(boot.channel("devops")),
            moved: watch::Sender::new(0),
            watchers: Arc::new(Semaphore::new(settings.watch_streams)),
            settings,
        })
    }
}

/// What the service does.
pub fn service() -> Service<Soc> {
    Service::new(&CONTRACT, migrations!("soc"), Soc::new)
        .config::<Config>()
        .grpc(SocServiceServer::from_arc)
        .on::<ChangePushed>()
        .on::<ReviewCompleted>()
        .on::<ReleaseDecided>()
        .on::<RunFinished>()
        .on::<GuardrailBreached>()
        .on::<AccessDenied>()
        .on::<SignalSubmitted>()
}

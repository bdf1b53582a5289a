//! Watches git repositories, publishes what every commit changed, and keeps the journey of each change: which services
//! have reacted to it, and with what outcome.

mod compose;
mod config;
mod diff_stream;
mod error;
mod events;
pub mod git;
mod grpc;
mod ids;
mod import;
mod inline_diff;
mod jobs;
mod journey;
mod live;
mod register;
mod since;
mod sources;
mod store;
mod turns;
mod watch;

pub use config::Config;

use std::{sync::Arc, time::Duration};

use septet_chassis::{Boot, Service, Units, migrations, store::Leases};
use septet_proto_devops::v1::{ImportCommits, devops_service_server::DevopsServiceServer};
use septet_proto_review::v1::ReviewCompleted;
use tokio::sync::{Semaphore, watch as notify};
use tokio_util::sync::CancellationToken;

use crate::{sources::Sources, turns::Turns};

/// How long a replica that stopped renewing keeps what only one replica does.
const LEASE: Duration = Duration::from_secs(8);

/// The devops service.
pub struct Devops {
    units: Units,
    settings: Config,
    sources: Arc<Sources>,
    turns: Turns,
    leases: Leases,
    /// Changes whenever changes were imported here.
    imported: notify::Sender<u64>,
    diffs: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    /// Fires when the process drains: imports then stop where they are.
    stop: CancellationToken,
}

impl Devops {
    fn new(boot: &Boot) -> anyhow::Result<Self> {
        let settings: Config = boot.config()?;
        let units = boot.units();
        let owner = uuid::Uuid::now_v7().to_string();
        Ok(Self {
            sources: Arc::new(Sources::new(boot.cache_dir(), settings.fetch_limits())),
            turns: Turns::default(),
            leases: Leases::new(units.store().clone(), owner, LEASE),
            imported: notify::Sender::new(0),
            diffs: Arc::new(Semaphore::new(settings.diff_streams)),
            watchers: Arc::new(Semaphore::new(settings.watch_streams)),
            stop: CancellationToken::new(),
            units,
            settings,
        })
    }
}

/// What the devops service serves, handles, and works on.
pub fn service() -> Service<Devops> {
    Service::new(
        &septet_proto_devops::CONTRACT,
        migrations!("devops"),
        |boot| async move { Devops::new(&boot) },
    )
    .config::<Config>()
    .grpc(DevopsServiceServer::from_arc)
    .on::<ReviewCompleted>()
    .work::<ImportCommits>()
    .background("watch", watch::run)
}

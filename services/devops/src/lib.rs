//! Watches git repositories, publishes what every commit changed, keeps the journey of each change (which services have
//! reacted to it, and with what outcome), and decides whether it may be released.

mod check;
mod compose;
mod config;
mod decide;
mod diff_stream;
mod error;
mod events;
pub mod generate;
pub mod git;
mod grpc;
mod guardrails;
mod ids;
mod import;
mod inline_diff;
mod jobs;
mod journey;
mod journey_stream;
mod live;
pub mod manifests;
mod piped;
mod reading;
mod redecide;
mod register;
pub mod release;
pub mod settings;
mod since;
mod sources;
pub mod stack;
mod steps;
mod store;
mod tree_stream;
mod turns;
mod watch;

pub use config::{Config, ReleaseConfig};

use std::{sync::Arc, time::Duration};

use septet_chassis::{Boot, Channel, Service, Units, migrations, store::Leases};
use septet_proto_cost::v1::CostEstimated;
use septet_proto_cx::v1::GuardrailBreached;
use septet_proto_devops::v1::{
    AskGuardrails, DecideReleases, ImportCommits, devops_service_server::DevopsServiceServer,
};
use septet_proto_docs::v1::DocsChecked;
use septet_proto_pipeline::v1::RunFinished;
use septet_proto_review::v1::ReviewCompleted;
use septet_proto_soc::v1::{AlertClosed, AlertRaised, ChangeAssessed};
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
    /// What is known of stacks.
    rules: Arc<stack::Rules>,
    turns: Turns,
    leases: Leases,
    /// Changes whenever changes were imported here.
    imported: notify::Sender<u64>,
    /// Changes whenever a step was added here.
    moved: notify::Sender<u64>,
    /// Places of those who read repositories for a caller.
    readers: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    /// Prices what a change deploys.
    cost: Channel,
    /// Knows the guardrails of flags.
    cx: Channel,
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
            rules: Arc::new(settings.stack.rules()?),
            turns: Turns::default(),
            leases: Leases::new(units.store().clone(), owner, LEASE),
            imported: notify::Sender::new(0),
            moved: notify::Sender::new(0),
            cost: boot.channel("cost"),
            cx: boot.channel("cx"),
            readers: Arc::new(Semaphore::new(settings.readers)),
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
    .on::<DocsChecked>()
    .on::<CostEstimated>()
    .on::<ChangeAssessed>()
    .on::<AlertRaised>()
    .on::<AlertClosed>()
    .on::<GuardrailBreached>()
    .on::<RunFinished>()
    .work::<ImportCommits>()
    .work::<AskGuardrails>()
    .work::<DecideReleases>()
    .background("watch", watch::run)
}

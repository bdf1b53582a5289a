//! The pipeline service: durable runs of graphs of tasks.
//!
//! A definition ([`definition`]) is read once and checked as a whole; what is to be done next ([`plan`]) follows from it and
//! from how far each task is. Both are pure, and serve the service and the runs in a terminal ([`local`]) alike. Runs are
//! executed from the database: their executor holds a lease, and every write of it names a fence that the next one raises.

mod config;
mod contracts;
pub mod definition;
mod engine;
mod error;
mod events;
pub mod expression;
pub mod filter;
mod grpc;
pub mod local;
pub mod plan;
mod release_tests;
mod scene;
mod stack;
mod store;
mod submit;
mod tasks;
mod value;
mod words;

use std::{collections::BTreeMap, sync::Arc};

use septet_chassis::{Boot, Channel, Service, Units, migrations};
use septet_proto_pipeline::{CONTRACT, v1::pipeline_service_server::PipelineServiceServer};
use tokio::sync::{Notify, Semaphore, watch};

pub use config::{Config, HttpConfig, Isolation, ProcessConfig};
use tasks::Tasks;

/// The service.
pub struct Pipelines {
    units: Units,
    config: Config,
    tasks: Tasks,
    devops: Channel,
    /// Wakes the engine: a run was queued or asked to end.
    due: Notify,
    /// Changes whenever a run has moved here.
    moved: watch::Sender<u64>,
    watchers: Arc<Semaphore>,
}

impl Pipelines {
    fn new(boot: &Boot) -> anyhow::Result<Self> {
        let config: Config = boot.config()?;
        let sisters: BTreeMap<&'static str, Channel> =
            contracts::SISTERS.iter().map(|name| (*name, boot.channel(name))).collect();
        let work_dir = boot.cache_dir().join("work");
        // What a process that was killed left behind; on a shared database another one may use it now.
        if work_dir.exists() && !boot.units().store().is_shared() {
            std::fs::remove_dir_all(&work_dir)?;
        }
        Ok(Self {
            units: boot.units(),
            tasks: Tasks::new(config.http.clone(), config.process.clone(), sisters, work_dir),
            devops: boot.channel("devops"),
            due: Notify::new(),
            moved: watch::Sender::new(0),
            watchers: Arc::new(Semaphore::new(config.watch_streams)),
            config,
        })
    }

    /// Tells those who watch that a run has moved.
    fn moved(&self) {
        self.moved.send_modify(|times| *times = times.wrapping_add(1));
    }
}

/// What the service does.
pub fn service() -> Service<Pipelines> {
    let service =
        Service::new(&CONTRACT, migrations!("pipeline"), |boot| async move { Pipelines::new(&boot) })
            .config::<Config>()
            .grpc(PipelineServiceServer::from_arc)
            .background("runs", engine::run);
    contracts::hear(service)
}

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use septet_contract::{Catalog, Contract};
use septet_messaging::{Dispatcher, Handlers, Relay, Units, Worker, log::SharedLog, queue::SharedQueue};
use septet_store::Leases;
use septet_telemetry::metrics::Prometheus;
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Channel, admin,
    auth::{ADMIN, Denials, Identity},
    backends,
    client::Channels,
    config::{ProcessConfig, Source},
    data_dir::DataDir,
    grpc::{self, Calls, Health, Incoming},
    listeners::AdminTask,
    loops::{declare, housekeep, until_stop},
    readiness::{self, Readiness},
};

/// How long a process that stopped renewing keeps the relay's lease.
const LEASE: Duration = Duration::from_secs(8);
/// What the drain leaves for sending what waits in the outboxes, a quarter of it at most.
const SEND: Duration = Duration::from_secs(5);
/// What the drain leaves for closing the backends, a quarter of it at most.
const CLOSE: Duration = Duration::from_secs(3);

/// A service as it runs.
pub(crate) struct Running {
    pub contract: &'static Contract,
    pub units: Units,
    pub handlers: Arc<Handlers>,
    /// Services that it calls.
    pub calls: Vec<String>,
}

/// A process that has started.
pub struct Started {
    pub(crate) shared: Arc<Shared>,
    pub(crate) config: ProcessConfig,
    /// Ends the loops that take work in.
    pub(crate) intake: CancellationToken,
    /// Ends the taking of calls.
    pub(crate) calls: CancellationToken,
    /// Ends the relays, once nothing is taken in any more.
    pub(crate) relays: CancellationToken,
    /// To the last, so that probes see the drain.
    pub(crate) admin: Option<AdminTask>,
    pub(crate) intake_tasks: JoinSet<(String, anyhow::Result<()>)>,
    pub(crate) relay_tasks: JoinSet<()>,
    pub(crate) channels: Channels,
    pub(crate) _data_dir: Option<DataDir>,
}

/// What everything in a process shares.
pub(crate) struct Shared {
    pub services: Vec<Running>,
    pub catalog: Catalog,
    pub log: SharedLog,
    pub queue: SharedQueue,
    pub source: Source,
    pub prometheus: Prometheus,
    pub readiness: Arc<Readiness>,
}

impl Started {
    /// Starts to take calls, and the loops of every service.
    pub(crate) fn serve(
        &mut self,
        incoming: Incoming,
        router: axum::Router,
        calls: Arc<Calls>,
        health: Health,
    ) {
        let shared = Arc::clone(&self.shared);
        let stop = self.intake.clone();
        self.intake_tasks
            .spawn(async move { ("gRPC".to_owned(), grpc::serve(incoming, router, calls).await) });
        self.intake_tasks.spawn({
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            async move {
                tokio::join!(readiness::watch(&shared, &health, &stop), admin::upkeep(&shared, &stop));
                ("readiness".to_owned(), Ok(()))
            }
        });
        let declared = CancellationToken::new();
        self.intake_tasks.spawn({
            let (queue, declared, stop) = (Arc::clone(&shared.queue), declared.clone(), stop.clone());
            let queues: Vec<_> = shared.services.iter().map(|running| running.contract).collect();
            let queues = backends::queues(&queues);
            async move { ("queues".to_owned(), declare(&*queue, &queues, &declared, &stop).await) }
        });
        for service in &shared.services {
            let name = service.contract.service;
            let Running { units, handlers, .. } = service;
            let dispatcher = Dispatcher::new(
                units.clone(),
                Arc::clone(&shared.log),
                shared.catalog.clone(),
                Arc::clone(handlers),
            );
            let worker = Worker::new(
                units.clone(),
                Arc::clone(&shared.queue),
                shared.catalog.clone(),
                Arc::clone(handlers),
            );
            self.intake_tasks.spawn({
                let stop = stop.clone();
                async move {
                    let ended = dispatcher.run(stop.clone()).await.map_err(anyhow::Error::from);
                    until_stop(&ended, &stop).await;
                    (format!("{name}.events"), ended)
                }
            });
            self.intake_tasks.spawn({
                let (declared, stop) = (declared.clone(), stop.clone());
                async move {
                    tokio::select! {
                        () = declared.cancelled() => {}
                        () = stop.cancelled() => {}
                    }
                    let ended = worker.run(stop.clone()).await.map_err(anyhow::Error::from);
                    until_stop(&ended, &stop).await;
                    (format!("{name}.jobs"), ended)
                }
            });
            self.intake_tasks.spawn({
                let (units, stop) = (units.clone(), stop.clone());
                async move {
                    housekeep(&units, &stop).await;
                    (format!("{name}.housekeeping"), Ok(()))
                }
            });
            // The number tells an operator which process it is; the rest, that it is not an earlier one of that number.
            let owner = format!("{}-{}", std::process::id(), uuid::Uuid::now_v7());
            let leases = Leases::new(units.store().clone(), owner, LEASE);
            let events = Relay::events(units.clone(), leases.clone(), Arc::clone(&shared.log));
            let jobs = Relay::jobs(units.clone(), leases, Arc::clone(&shared.queue));
            self.relay_tasks.spawn(events.run(self.relays.clone()));
            self.relay_tasks.spawn(jobs.run(self.relays.clone()));
        }
    }

    /// Publishes denied calls from the outbox of the process's first service.
    pub(crate) fn tell_denials(&mut self, process: &'static str, denials: Denials) {
        let Some(units) = self.shared.services.first().map(|service| service.units.clone()) else { return };
        let stop = self.intake.clone();
        self.intake_tasks.spawn(async move {
            denials.publish(process, &units, &stop).await;
            ("denials".to_owned(), Ok(()))
        });
    }

    /// The way to the services of this process, with all roles: for commands that run in it.
    pub fn channel(&self) -> Channel {
        self.channels.local(Identity::new("local", [ADMIN]))
    }

    /// The log.
    pub fn log(&self) -> SharedLog {
        Arc::clone(&self.shared.log)
    }

    /// The contracts that the process knows.
    pub fn catalog(&self) -> Catalog {
        self.shared.catalog.clone()
    }

    /// The process's settings.
    pub fn config(&self) -> &ProcessConfig {
        &self.config
    }

    /// Waits until a loop has ended that should not: the process should end too.
    pub async fn failed(&mut self) -> anyhow::Error {
        tokio::select! {
            Some(ended) = self.intake_tasks.join_next() => ended_early(ended),
            Some(ended) = async { Some(self.admin.as_mut()?.ended().await) } => ended,
            Some(ended) = self.relay_tasks.join_next() => match ended {
                Ok(()) => anyhow!("a relay has ended"),
                Err(error) => anyhow!("a relay panicked: {error}"),
            },
            else => std::future::pending().await,
        }
    }

    /// Takes nothing in any more, finishes what is in hand, sends what waits in the outboxes, and closes everything.
    ///
    /// # Errors
    /// The deadline has passed; what was not finished comes again at the next start.
    pub async fn drain(mut self) -> anyhow::Result<()> {
        let limit = Duration::from_secs(self.config.drain_secs);
        let end = Instant::now() + limit;
        self.shared.readiness.draining();
        self.intake.cancel();
        // Calls are taken a little longer, until whoever sends them has learnt to send them elsewhere.
        let grace = Duration::from_millis(self.config.grpc.drain_grace_ms).min(limit / 4);
        let calls = self.calls.clone();
        let _grace = AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            calls.cancel();
        }));
        // A call or handler that hangs must not keep from being sent what others have committed.
        let taken_in = tokio::time::timeout_at(end - CLOSE.min(limit / 4) - SEND.min(limit / 4), async {
            while let Some(ended) = self.intake_tasks.join_next().await {
                if let Ok((task, Err(error))) = ended {
                    tracing::warn!(task, %error, "a task failed while draining");
                }
            }
        })
        .await;
        self.relays.cancel();
        let sent = tokio::time::timeout_at(end - CLOSE.min(limit / 4), async {
            while self.relay_tasks.join_next().await.is_some() {}
        })
        .await;
        let closed = tokio::time::timeout_at(end, async {
            self.shared.log.close().await;
            self.shared.queue.close().await;
            for service in &self.shared.services {
                service.units.store().close().await;
            }
            if let Some(admin) = self.admin.take() {
                admin.close().await;
            }
        })
        .await;
        let late = match (taken_in, sent, closed) {
            (Ok(()), Ok(()), Ok(())) => return Ok(()),
            (Err(_), _, _) => "calls, events or jobs in hand did not end",
            (_, Err(_), _) => "the outboxes could not be sent",
            (_, _, Err(_)) => "the databases could not be closed",
        };
        Err(anyhow!(
            "the drain took longer than {limit:?}: {late}; what was not finished comes again at the next start"
        ))
    }
}

fn ended_early(ended: Result<(String, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((task, Err(error))) => error.context(format!("{task} failed")),
        Ok((task, Ok(()))) => anyhow!("{task} has ended"),
        Err(error) => anyhow!("a task panicked: {error}"),
    }
}

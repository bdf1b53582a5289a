use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use metrics::gauge;
use septet_telemetry::metrics::names;
use tokio_util::sync::CancellationToken;

use crate::{grpc::Health, started::Shared};

/// How often the dependencies are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long a dependency may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// What a process cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dependency {
    Log,
    Queue,
    /// Of this service.
    Store(&'static str),
}

impl Dependency {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Queue => "queue",
            Self::Store(_) => "store",
        }
    }
}

impl Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(service) => write!(f, "store of {service}"),
            other => f.write_str(other.kind()),
        }
    }
}

/// Whether the process can do its work, and if not, why.
pub(crate) struct Readiness(Mutex<State>);

struct State {
    phase: Phase,
    away: BTreeMap<Dependency, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Draining,
}

impl Readiness {
    pub fn starting() -> Self {
        Self(Mutex::new(State { phase: Phase::Starting, away: BTreeMap::new() }))
    }

    pub fn running(&self) {
        self.state().phase = Phase::Running;
    }

    pub fn draining(&self) {
        self.state().phase = Phase::Draining;
    }

    /// Notes that a dependency answers, or why it does not. Says so in the log when it changes.
    pub fn note(&self, dependency: Dependency, answer: Result<(), String>) {
        let mut state = self.state();
        let running = state.phase == Phase::Running;
        match answer {
            Ok(()) => {
                if state.away.remove(&dependency).is_some() && running {
                    tracing::info!(%dependency, "a dependency answers again");
                }
            }
            Err(reason) => {
                if running && !state.away.contains_key(&dependency) {
                    tracing::warn!(%dependency, reason, "a dependency does not answer; what needs it waits");
                }
                state.away.insert(dependency, reason);
            }
        }
    }

    /// Whether calls and work are welcome, and a line for each thing that is in the way.
    pub fn told(&self) -> (bool, String) {
        let state = self.state();
        if state.phase == Phase::Draining {
            return (false, "draining\n".to_owned());
        }
        let starting = (state.phase == Phase::Starting).then(|| "starting\n".to_owned());
        let away = state.away.iter().map(|(dependency, reason)| format!("{dependency}: {reason}\n"));
        let lines: String = starting.into_iter().chain(away).collect();
        if lines.is_empty() { (true, "ready\n".to_owned()) } else { (false, lines) }
    }

    /// Whether a dependency answered when it was last looked at.
    fn is_there(&self, dependency: Dependency) -> bool {
        !self.state().away.contains_key(&dependency)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one step, so a panic elsewhere has not left it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at every dependency once, and tells what is found.
pub(crate) async fn first(shared: &Shared, health: &Health) {
    look(shared).await;
    shared.readiness.running();
    tell(shared, health).await;
}

/// Looks at every dependency until the drain, and tells readiness, gRPC health and metrics.
pub(crate) async fn watch(shared: &Shared, health: &Health, stop: &CancellationToken) {
    let rounds = async {
        loop {
            tokio::time::sleep(LOOK).await;
            look(shared).await;
            tell(shared, health).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => health.set_all(false).await,
        () = rounds => {}
    }
}

async fn look(shared: &Shared) {
    let stores = shared.services.iter().map(|running| async {
        let answer = answered(running.units.store().ping()).await;
        shared.readiness.note(Dependency::Store(running.contract.service), answer);
    });
    tokio::join!(
        async { shared.readiness.note(Dependency::Log, answered(shared.log.available()).await) },
        async { shared.readiness.note(Dependency::Queue, answered(shared.queue.available()).await) },
        join_all(stores),
    );
}

async fn answered<E: Display>(ping: impl Future<Output = Result<(), E>>) -> Result<(), String> {
    match tokio::time::timeout(ANSWER, ping).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_elapsed) => Err(format!("no answer within {ANSWER:?}")),
    }
}

/// Calls to a service are welcome while its store answers; the log and the queue may be waited for.
async fn tell(shared: &Shared, health: &Health) {
    let readiness = &shared.readiness;
    for running in &shared.services {
        let service = running.contract.service;
        for dependency in [Dependency::Log, Dependency::Queue, Dependency::Store(service)] {
            let up = readiness.is_there(dependency);
            gauge!(names::DEPENDENCY_UP, "service" => service, "dependency" => dependency.kind())
                .set(f64::from(u8::from(up)));
        }
        health.set_service(service, readiness.is_there(Dependency::Store(service))).await;
    }
    for dependency in [Dependency::Log, Dependency::Queue] {
        health.set_name(dependency.kind(), readiness.is_there(dependency)).await;
    }
    let stores = shared.services.iter().map(|running| Dependency::Store(running.contract.service));
    health.set_name("store", stores.into_iter().all(|store| readiness.is_there(store))).await;
    health.set_name("", readiness.told().0).await;
}

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU32},
};

use septet_contract::{Catalog, json::Limits};
use tokio::{sync::oneshot, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Handlers, Units,
    batch::BatchHandler,
    log::{Assignment, LogError, Partition, SharedLog},
    partition::PartitionTask,
    redrive_topic,
};

/// Reads the topics that a service handles, as its consumer group, and runs its handlers: one task for each partition,
/// so that events of one key stay in order.
pub struct Dispatcher {
    units: Units,
    log: SharedLog,
    context: Arc<Context>,
}

/// What all partition tasks of a consumer share.
pub(crate) struct Context {
    pub catalog: Catalog,
    pub handlers: Arc<Handlers>,
    /// Name under which the inbox keeps deliveries.
    pub consumer: String,
    pub limits: Limits,
}

/// A partition that is read here.
struct Running {
    stop: CancellationToken,
    /// Ends, with an error, when the task has ended.
    ended: oneshot::Receiver<()>,
}

impl Running {
    async fn finish(self) {
        self.stop.cancel();
        let _ = self.ended.await;
    }
}

impl Dispatcher {
    /// A dispatcher of a service's handlers.
    pub fn new(units: Units, log: SharedLog, catalog: Catalog, handlers: Arc<Handlers>) -> Self {
        let limits = Limits { max_bytes: units.settings().max_message_bytes, ..Limits::default() };
        let consumer = units.service().to_owned();
        Self { units, log, context: Arc::new(Context { catalog, handlers, consumer, limits }) }
    }

    /// Topics that it reads: those of the handled events, and the one by which dead letters come back.
    pub fn topics(&self) -> Vec<String> {
        let mut topics = self.context.handlers.topics();
        if !topics.is_empty() {
            topics.push(redrive_topic(self.units.service()));
        }
        topics
    }

    /// Reads and handles until `stop`, then finishes what is in hand, commits, and leaves the group.
    ///
    /// # Errors
    /// [`DispatchError`]: the process should end.
    pub async fn run(self, stop: CancellationToken) -> Result<(), DispatchError> {
        let topics = self.topics();
        if topics.is_empty() {
            return Ok(());
        }
        let mut membership = loop {
            match self.log.subscribe(self.units.service(), &topics).await {
                Ok(membership) => break membership,
                Err(error) if error.is_transient() || matches!(error, LogError::UnknownTopic(_)) => {
                    tracing::warn!(%error, "cannot join the consumer group yet");
                }
                Err(error) => return Err(error.into()),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.units.settings().backoff().pause(4)) => {}
            }
        };
        let mut running: HashMap<(String, i32), Running> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut failures = 0;
        let outcome = loop {
            let next = tokio::select! {
                () = stop.cancelled() => break Ok(()),
                Some(ended) = tasks.join_next() => match ended {
                    Ok(()) => continue,
                    Err(error) => break Err(DispatchError::Panicked(error.to_string())),
                },
                next = membership.next() => next,
            };
            match next {
                Ok(Assignment::Assigned(partition)) => {
                    failures = 0;
                    let place = (partition.topic().to_owned(), partition.partition());
                    tracing::debug!(topic = place.0, partition = place.1, "assigned");
                    running.insert(place, self.start(partition, &mut tasks));
                }
                Ok(Assignment::Revoked { topic, partition, done }) => {
                    tracing::debug!(topic, partition, "revoked");
                    let running = running.remove(&(topic, partition));
                    // Beside this loop, so that partitions that are revoked together finish together.
                    tokio::spawn(async move {
                        if let Some(running) = running {
                            running.finish().await;
                        }
                        // Nobody waits any more if the backend's limit has passed.
                        let _ = done.send(());
                    });
                }
                Err(error) if error.is_transient() => {
                    failures += 1;
                    tracing::warn!(%error, "the log is not available");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(self.units.settings().backoff().while_away(failures)) => {}
                    }
                }
                Err(error) => break Err(error.into()),
            }
        };
        planted!(DrainDoesNotWait => tasks.abort_all());
        for running in running.values() {
            running.stop.cancel();
        }
        for (_, running) in running.drain() {
            running.finish().await;
        }
        membership.leave().await;
        outcome
    }

    fn start(&self, partition: Box<dyn Partition>, tasks: &mut JoinSet<()>) -> Running {
        let stop = CancellationToken::new();
        let (alive, ended) = oneshot::channel();
        let handler = BatchHandler {
            units: self.units.clone(),
            context: Arc::clone(&self.context),
            stop: stop.clone(),
            wary: AtomicU32::new(0),
        };
        let task = PartitionTask { partition, handler };
        tasks.spawn(async move {
            let _alive: oneshot::Sender<()> = alive;
            task.run().await;
        });
        Running { stop, ended }
    }
}

/// Why a dispatcher ended before it was told to; the process should end too.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The log says something that waiting does not mend.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A bug in the loop itself (a handler's panic is caught).
    #[error("a partition task panicked: {0}")]
    Panicked(String),
}

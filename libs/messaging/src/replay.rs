use std::{collections::BTreeMap, sync::Arc, time::Duration};

use septet_contract::{Catalog, Timestamp, json::Limits};
use uuid::Uuid;

use crate::{
    HandleError, Handlers, Units,
    delivery::{self, Delivery},
    handle::guarded,
    log::{From, KeptRange, LogError, SharedLog},
};

/// Handles kept events of a topic again, under an inbox consumer name of its own.
pub struct Replay {
    units: Units,
    log: SharedLog,
    catalog: Catalog,
    handlers: Arc<Handlers>,
}

/// What a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Inbox consumer name.
    pub consumer: String,
    /// Events that a handler took.
    pub handled: u64,
    /// Records that were not for the handler, or cannot be read.
    pub skipped: u64,
    /// Events that the handler did not take. They are logged, not dead-lettered: they were handled once before.
    pub failed: u64,
}

/// Why a replay was not begun or not finished.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The service has no such handler.
    #[error("this service does not handle {0}")]
    NoHandler(String),
    /// A handler would repeat an effect outside.
    #[error("the handler of {0} has effects outside of the service and declares itself not replayable")]
    NotReplayable(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Replay {
    /// Replays for a service's handlers.
    pub fn new(units: Units, log: SharedLog, catalog: Catalog, handlers: Arc<Handlers>) -> Self {
        Self { units, log, catalog, handlers }
    }

    /// Handles the events of `topic` that were appended at or after `from` and before now: those of type `only`, or all
    /// that the service handles. Tells `progress` how far it is after each partition.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn run(
        &self,
        topic: &str,
        from: Timestamp,
        only: Option<&str>,
        mut progress: impl FnMut(&Replayed) + Send,
    ) -> Result<Replayed, ReplayError> {
        self.check(topic, only)?;
        let ends: BTreeMap<i32, KeptRange> = self
            .log
            .topics()
            .await?
            .into_iter()
            .find(|state| state.name == topic)
            .ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?
            .partitions
            .into_iter()
            .zip(0..)
            .map(|(range, partition)| (partition, range))
            .collect();
        let consumer = format!("{}.replay.{}", self.units.service(), Uuid::now_v7());
        planted!(ReplayUnderOwnName: consumer = self.units.service().to_owned());
        let mut replayed = Replayed { consumer, ..Replayed::default() };
        for (partition, range) in ends {
            self.partition(topic, partition, range, from, only, &mut replayed).await?;
            progress(&replayed);
        }
        Ok(replayed)
    }

    fn check(&self, topic: &str, only: Option<&str>) -> Result<(), ReplayError> {
        let wanted = self.handlers.handled().into_iter().filter(|(name, _)| {
            only.is_none_or(|only| only == *name)
                && self.handlers.event(name).is_some_and(|handler| handler.place == topic)
        });
        let mut any = false;
        for (name, replayable) in wanted {
            any = true;
            if !replayable {
                return Err(ReplayError::NotReplayable(name.to_owned()));
            }
        }
        if any { Ok(()) } else { Err(ReplayError::NoHandler(only.unwrap_or(topic).to_owned())) }
    }

    async fn partition(
        &self,
        topic: &str,
        partition: i32,
        range: KeptRange,
        from: Timestamp,
        only: Option<&str>,
        replayed: &mut Replayed,
    ) -> Result<(), ReplayError> {
        if range.start >= range.end {
            return Ok(());
        }
        // Not from the time: a reader that begins after the last record would wait for what comes after now.
        let mut reader = self.log.read(topic, partition, From::Offset(range.start)).await?;
        loop {
            // What was kept when this began may have expired since.
            let batch = match tokio::time::timeout(Duration::from_secs(5), reader.batch(256)).await {
                Ok(batch) => batch?,
                // A log that is away is silent as well, and what it kept would be missed.
                Err(_elapsed) => return Ok(self.log.ping().await?),
            };
            for fetched in batch {
                let offset = fetched.offset;
                if offset >= range.end {
                    return Ok(());
                }
                let last = offset + 1 >= range.end;
                if fetched.record.timestamp < from {
                    if last {
                        return Ok(());
                    }
                    continue;
                }
                let delivery = delivery::read(
                    topic,
                    partition,
                    false,
                    fetched,
                    &self.catalog,
                    &self.handlers,
                    &Limits::default(),
                );
                self.one(delivery, only, replayed).await;
                if last {
                    return Ok(());
                }
            }
        }
    }

    async fn one(&self, delivery: Delivery, only: Option<&str>, replayed: &mut Replayed) {
        let Delivery::Event(event) = delivery else {
            replayed.skipped += 1;
            return;
        };
        if only.is_some_and(|only| only != event.envelope.r#type) {
            replayed.skipped += 1;
            return;
        }
        let mut cx = self.units.begin_claimed(&replayed.consumer, event.identity.clone(), event.cause());
        let deadline = self.units.settings().handler_timeout();
        let result: Result<(), HandleError> = async {
            cx.tx().await?;
            guarded(&*event.run, &mut cx, event.data(), deadline).await?;
            Ok(cx.commit().await?)
        }
        .await;
        match result {
            Ok(()) => replayed.handled += 1,
            Err(error) if error.is_done() => replayed.skipped += 1,
            Err(error) => {
                replayed.failed += 1;
                tracing::warn!(?error, r#type = event.envelope.r#type, "a replayed event failed");
            }
        }
    }
}

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use metrics::{counter, gauge};
use septet_contract::{Timestamp, cloudevents};
use septet_store::Leases;
use septet_telemetry::metrics::names;
use tokio_util::sync::CancellationToken;

use crate::{
    CxError, Lane, Reason, Units,
    dead_letter::Burial,
    dead_letter_topic,
    holds::Holds,
    log::{Append, LogError, SharedLog},
    outbox::{self, Row},
    queue::{Outgoing, QueueError, SharedQueue},
};

/// Sends what waits in one lane of the outbox, in order, and deletes what the backend has confirmed. One is active for
/// each lane of a service at a time; a second one for a moment does no harm, since the inbox drops what comes twice.
pub struct Relay {
    units: Units,
    leases: Leases,
    lane: Lane,
    backend: Box<dyn Backend>,
}

/// Where a lane leads.
#[async_trait]
trait Backend: Send + Sync {
    /// One result for each row, in order.
    async fn send(&self, rows: &[Row]) -> Vec<Result<(), Refusal>>;
}

/// Why a row was not taken.
struct Refusal {
    /// It may be taken later.
    transient: bool,
    /// Its destination does not exist: others may be taken now.
    absent: bool,
    error: String,
}

/// What one round did.
enum Round {
    /// There was nothing to send.
    Idle,
    /// Everything was sent, and there may be more.
    Sent,
    /// Something has to be sent again.
    Held,
}

impl Relay {
    /// The relay of events.
    pub fn events(units: Units, leases: Leases, log: SharedLog) -> Self {
        Self { units, leases, lane: Lane::Event, backend: Box::new(LogLane(log)) }
    }

    /// The relay of jobs.
    pub fn jobs(units: Units, leases: Leases, queue: SharedQueue) -> Self {
        Self { units, leases, lane: Lane::Job, backend: Box::new(QueueLane(queue)) }
    }

    /// Sends until `stop`, then what is left, for as long as that goes well.
    pub async fn run(self, stop: CancellationToken) {
        let lease = format!("relay-{}", self.lane.as_str());
        let mut failures = 0;
        let mut held_until: Option<Instant> = None;
        let mut observed: Option<Instant> = None;
        let mut holds = Holds::new(self.units.settings().backoff());
        loop {
            if observed.is_none_or(|at| at.elapsed() >= Duration::from_secs(5)) {
                self.observe().await;
                observed = Some(Instant::now());
            }
            let round = match self.hold(&lease, &mut held_until).await {
                Ok(true) => self.round(&mut holds).await,
                Ok(false) => Ok(Round::Idle),
                Err(error) => Err(error),
            };
            match round {
                Ok(Round::Sent) => failures = 0,
                Ok(Round::Idle) if stop.is_cancelled() => break,
                Ok(Round::Idle) => {
                    failures = 0;
                    tokio::select! {
                        () = self.units.woken(self.lane) => {}
                        () = tokio::time::sleep(self.idle()) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Ok(Round::Held) | Err(_) if stop.is_cancelled() => break,
                Ok(Round::Held) => failures = self.wait(failures, &stop).await,
                Err(error) => {
                    tracing::warn!(%error, lane = self.lane.as_str(), "the relay waits for the database");
                    failures = self.wait(failures, &stop).await;
                }
            }
        }
        if let Err(error) = self.leases.release(&lease).await {
            tracing::debug!(%error, "the relay's lease runs out by itself");
        }
    }

    /// Commits of this process wake the relay; those of other replicas have to be looked for.
    fn idle(&self) -> Duration {
        if self.units.store().is_shared() {
            self.units.settings().relay_poll()
        } else {
            Duration::from_secs(5)
        }
    }

    async fn wait(&self, failures: u32, stop: &CancellationToken) -> u32 {
        tokio::select! {
            () = tokio::time::sleep(self.units.settings().backoff().while_away(failures + 1)) => {}
            () = stop.cancelled() => {}
        }
        failures + 1
    }

    async fn hold(&self, lease: &str, held_until: &mut Option<Instant>) -> Result<bool, CxError> {
        planted!(TwoRelaysWithoutLock => return Ok(true));
        let now = Instant::now();
        if held_until.is_some_and(|until| now < until) {
            return Ok(true);
        }
        *held_until = None;
        let held = self.leases.hold(lease, Timestamp::now().micros()).await?;
        if held {
            *held_until = Some(now + self.leases.renewal());
        }
        Ok(held)
    }

    async fn round(&self, holds: &mut Holds) -> Result<Round, CxError> {
        let rows = {
            let mut tx = self.units.read().await?;
            outbox::oldest(&mut tx, self.lane, self.units.settings().relay_batch, &holds.now()).await?
        };
        planted!(RelayWithCursor: rows = crate::planted::behind_cursor(self.lane, rows));
        planted!(RelayOutOfOrder: rows = rows.into_iter().rev().collect::<Vec<_>>());
        if rows.is_empty() {
            return Ok(Round::Idle);
        }
        planted!(RowDeletedBeforeConfirmed => crate::planted::delete_first(&self.units, &rows).await?);
        let results = self.backend.send(&rows).await;
        let mut settled = Vec::with_capacity(rows.len());
        let mut unpublishable = Vec::new();
        let mut held = None;
        let mut absent = BTreeMap::new();
        for (row, result) in rows.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    holds.remove(&row.destination);
                    settled.push(row.id);
                }
                Err(refusal) if refusal.absent => {
                    absent.insert(row.destination, refusal.error);
                }
                Err(refusal) if refusal.transient => held = held.or(Some(refusal.error)),
                Err(refusal) => {
                    settled.push(row.id);
                    unpublishable.push((row, refusal.error));
                }
            }
        }
        for (destination, error) in &absent {
            tracing::warn!(
                error,
                destination,
                lane = self.lane.as_str(),
                "what is for there waits; the rest goes on"
            );
            holds.add(destination);
        }
        planted!(RelayWithCursor => crate::planted::move_cursor(self.lane, &settled));
        let mut tx = self.units.store().begin().await?;
        outbox::delete(&mut tx, &settled).await?;
        let mut cx = self.units.adopt(tx);
        let buried = unpublishable.len() as u64;
        for (row, error) in unpublishable {
            if row.destination == dead_letter_topic(self.units.service()) {
                // The dead letter stays in its table. A dead letter of a dead letter would be refused as well, for ever.
                tracing::warn!(
                    error,
                    "the dead-letter topic does not take a dead letter; it is in the database"
                );
                continue;
            }
            cx.bury(self.burial(row, error)).await?;
        }
        cx.commit().await?;
        if buried > 0 {
            counter!(names::DEAD_LETTERS_TOTAL, "service" => self.units.service().to_owned(), "reason" => Reason::UNPUBLISHABLE.as_str())
                .increment(buried);
        }
        self.units.sent(settled.len() as u64);
        match held {
            None => Ok(Round::Sent),
            Some(error) => {
                tracing::warn!(error, lane = self.lane.as_str(), "the relay waits for the backend");
                Ok(Round::Held)
            }
        }
    }

    fn burial(&self, row: Row, error: String) -> Burial {
        Burial {
            lane: self.lane,
            origin: row.destination,
            partition: -1,
            offset: -1,
            r#type: cloudevents::peek_type(&row.record).unwrap_or_default(),
            attempts: 1,
            reason: Reason::UNPUBLISHABLE,
            error,
            record: row.record,
        }
    }

    async fn observe(&self) {
        let Ok(pending) = self.units.pending().await else { return };
        let service = self.units.service().to_owned();
        let oldest = pending.oldest.map_or(0.0, |oldest| Timestamp::now().since(oldest).as_secs_f64());
        gauge!(names::OUTBOX_PENDING, "service" => service.clone()).set(pending.rows as f64);
        gauge!(names::OUTBOX_OLDEST_AGE_SECONDS, "service" => service).set(oldest);
    }
}

struct LogLane(SharedLog);

#[async_trait]
impl Backend for LogLane {
    async fn send(&self, rows: &[Row]) -> Vec<Result<(), Refusal>> {
        let records = rows
            .iter()
            .map(|row| Append { topic: row.destination.clone(), record: row.record.clone() })
            .collect();
        let results = self.0.append(records).await;
        results
            .into_iter()
            .map(|result| {
                result.map(drop).map_err(|error| Refusal {
                    // It will be there once an operator has applied the manifest.
                    absent: matches!(error, LogError::UnknownTopic(_)),
                    transient: !matches!(error, LogError::TooLarge { .. } | LogError::Invalid(_)),
                    error: error.to_string(),
                })
            })
            .collect()
    }
}

struct QueueLane(SharedQueue);

#[async_trait]
impl Backend for QueueLane {
    async fn send(&self, rows: &[Row]) -> Vec<Result<(), Refusal>> {
        let now = Timestamp::now();
        let jobs = rows
            .iter()
            .map(|row| Outgoing {
                queue: row.destination.clone(),
                record: row.record.clone(),
                delay: row.due.since(now),
            })
            .collect();
        let results = self.0.send(jobs).await;
        results
            .into_iter()
            .map(|result| {
                result.map_err(|error| Refusal {
                    absent: matches!(error, QueueError::UnknownQueue(_)),
                    transient: !matches!(error, QueueError::TooLarge { .. } | QueueError::Invalid(_)),
                    error: error.to_string(),
                })
            })
            .collect()
    }
}

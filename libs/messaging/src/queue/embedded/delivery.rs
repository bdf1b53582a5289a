//! Taking a job out, and settling it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use septet_contract::{Record, Timestamp};
use septet_telemetry::metrics::names;
use sqlx::{Row as _, SqliteConnection};
use tokio::sync::OwnedSemaphorePermit;

use super::ledger::{Cell, Ledger, Shared};
use crate::{
    headers,
    log::embedded::{Write, Writer},
    queue::{Lease, QueueError},
};

/// Deliveries beyond a queue's `max_attempts` after which a job is set aside: its workers have had every chance to
/// dead-letter it themselves, and died of it each time.
const BEYOND: i64 = 16;

/// Takes the next job of a queue.
pub(super) struct Take {
    pub(super) queue: Arc<Cell>,
    pub(super) writer: Writer<Ledger>,
}

/// What [`Take`] found.
pub(super) enum Taken {
    /// A job.
    Job { record: Record, attempt: u32, claim: Claim },
    /// None that is due; the time at which the next one is.
    Nothing { due: Option<Timestamp> },
}

#[async_trait]
impl Write<Ledger> for Take {
    type Answer = Taken;

    /// After a power loss no worker has the job: that it was out, and how often, may be forgotten.
    fn durable(&self) -> bool {
        false
    }

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<Taken, sqlx::Error> {
        loop {
            let next = sqlx::query(
                "SELECT id, available_at, attempts FROM jobs WHERE queue_id = $1 AND owner IS NULL
                 ORDER BY available_at, id LIMIT 1",
            )
            .bind(self.queue.id)
            .fetch_optional(&mut *tx)
            .await?;
            let Some(next) = next else { return Ok(Taken::Nothing { due: None }) };
            let now = Timestamp::now();
            let (id, due): (i64, i64) = (next.try_get(0)?, next.try_get(1)?);
            if due > now.micros() {
                return Ok(Taken::Nothing { due: Some(Timestamp::from_micros(due)) });
            }
            if next.try_get::<i64, _>(2)? >= i64::from(self.queue.max_attempts) + BEYOND {
                set_aside(id, &self.queue.name, now, tx).await?;
                continue;
            }
            return self.hand_out(id, now, ledger, tx).await;
        }
    }
}

impl Take {
    async fn hand_out(
        &self,
        id: i64,
        now: Timestamp,
        ledger: &mut Ledger,
        tx: &mut SqliteConnection,
    ) -> Result<Taken, sqlx::Error> {
        ledger.token += 1;
        let token = ledger.token;
        let row = sqlx::query(
            r#"UPDATE jobs SET owner = $1, token = $2, leased_until = $3, attempts = attempts + 1
               WHERE id = $4 RETURNING "key", headers, value, created_at, attempts"#,
        )
        .bind(&ledger.shared.instance)
        .bind(token)
        .bind(now.after(ledger.shared.options.lease).micros())
        .bind(id)
        .fetch_one(tx)
        .await?;
        let blob = |column: usize| -> Result<_, sqlx::Error> {
            Ok(row.try_get::<Option<Vec<u8>>, _>(column)?.map(Into::into))
        };
        let headers = headers::unpack(row.try_get(1)?)
            .ok_or_else(|| sqlx::Error::Decode("the headers of a job cannot be read".into()))?;
        let timestamp = Timestamp::from_micros(row.try_get(3)?);
        let attempt = u32::try_from(row.try_get::<i64, _>(4)?).unwrap_or(u32::MAX);
        ledger.shared.held().insert(token);
        let claim = Claim {
            id,
            token,
            queue: self.queue.id,
            shared: ledger.shared.clone(),
            writer: self.writer.clone(),
            received: false,
            settled: false,
            _room: None,
        };
        Ok(Taken::Job {
            record: Record { key: blob(0)?, headers, value: blob(2)?, timestamp },
            attempt,
            claim,
        })
    }
}

async fn set_aside(
    id: i64,
    queue: &str,
    now: Timestamp,
    tx: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        r#"INSERT INTO dead (id, queue_id, attempts, created_at, died_at, "key", headers, value)
           SELECT id, queue_id, attempts, created_at, $2, "key", headers, value FROM jobs WHERE id = $1"#,
    )
    .bind(id)
    .bind(now.micros())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM jobs WHERE id = $1").bind(id).execute(tx).await?;
    tracing::warn!(%queue, job = id, "a job was delivered again and again and never settled; it is set aside");
    metrics::counter!(names::JOBS_SET_ASIDE_TOTAL, "queue" => queue.to_owned()).increment(1);
    Ok(())
}

/// One delivery. Dropping it gives the job back.
pub(super) struct Claim {
    id: i64,
    token: i64,
    queue: i64,
    shared: Arc<Shared>,
    writer: Writer<Ledger>,
    received: bool,
    settled: bool,
    /// The consumer's room for one delivery.
    _room: Option<OwnedSemaphorePermit>,
}

impl Claim {
    /// Somebody has it now: from here on the attempt counts.
    pub(super) fn received(mut self, room: OwnedSemaphorePermit) -> Self {
        self.received = true;
        self._room = Some(room);
        self
    }

    async fn settle(mut self: Box<Self>, how: How) -> Result<(), QueueError> {
        let found = self.writer.write(self.settlement(how)).await?;
        // From here on there is nothing to give back, whether it was found or lost.
        self.settled = true;
        if found { Ok(()) } else { Err(QueueError::Closed) }
    }

    fn settlement(&self, how: How) -> Settle {
        Settle { id: self.id, token: self.token, queue: self.queue, how }
    }
}

#[async_trait]
impl Lease for Claim {
    async fn ack(self: Box<Self>) -> Result<(), QueueError> {
        self.settle(How::Done).await
    }

    async fn retry(self: Box<Self>, delay: Duration) -> Result<(), QueueError> {
        self.settle(How::Again(delay)).await
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.held().remove(&self.token);
        if !self.settled {
            let how = if self.received { How::Again(Duration::ZERO) } else { How::Untouched };
            self.writer.post(self.settlement(how));
        }
    }
}

/// How a delivery ends.
enum How {
    Done,
    Again(Duration),
    /// Nobody received it: as if it had not been taken out.
    Untouched,
}

struct Settle {
    id: i64,
    token: i64,
    queue: i64,
    how: How,
}

#[async_trait]
impl Write<Ledger> for Settle {
    /// Whether the delivery was still this process's.
    type Answer = bool;

    /// As for [`Take`], which this undoes.
    fn durable(&self) -> bool {
        !matches!(self.how, How::Untouched)
    }

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        let query = match self.how {
            How::Done => sqlx::query("DELETE FROM jobs WHERE id = $1 AND owner = $2 AND token = $3"),
            How::Again(_) => sqlx::query(
                "UPDATE jobs SET owner = NULL, token = NULL, leased_until = NULL, available_at = $4
                 WHERE id = $1 AND owner = $2 AND token = $3",
            ),
            How::Untouched => sqlx::query(
                "UPDATE jobs SET owner = NULL, token = NULL, leased_until = NULL, attempts = attempts - 1
                 WHERE id = $1 AND owner = $2 AND token = $3",
            ),
        };
        let mut query = query.bind(self.id).bind(&ledger.shared.instance).bind(self.token);
        if let How::Again(delay) = self.how {
            query = query.bind(Timestamp::now().after(delay).micros());
        }
        let found = query.execute(tx).await?.rows_affected() > 0;
        ledger.woken.insert(self.queue);
        Ok(found)
    }
}

//! Declaring queues and putting jobs into them.

use async_trait::async_trait;
use septet_contract::Timestamp;
use sqlx::SqliteConnection;

use super::ledger::Ledger;
use crate::{
    log::embedded::{Fault, Row, Write, Writer},
    queue::{Outgoing, QueueError, QueueSettings},
};

/// Jobs of one call that go into one transaction; a longer call takes several.
const CHUNK: usize = 1_000;

/// Longest name of a queue.
const MAX_NAME: usize = 200;

/// Creates queues, and brings those that exist to their settings.
pub(super) struct Declare {
    queues: Vec<QueueSettings>,
}

impl Declare {
    pub(super) fn new(queues: &[QueueSettings]) -> Result<Self, QueueError> {
        let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        for queue in queues {
            let name = &queue.name;
            if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(legal) {
                let shown: String = name.chars().take(60).collect();
                return Err(QueueError::Invalid(format!(
                    "{shown:?} is no name for a queue; use 1 to {MAX_NAME} letters, digits, '.', '_' or '-'"
                )));
            }
        }
        Ok(Self { queues: queues.to_vec() })
    }
}

#[async_trait]
impl Write<Ledger> for Declare {
    type Answer = ();

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for queue in &self.queues {
            sqlx::query(
                "INSERT INTO queues (name, max_attempts) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET max_attempts = excluded.max_attempts",
            )
            .bind(&queue.name)
            .bind(i64::from(queue.max_attempts))
            .execute(&mut *tx)
            .await?;
        }
        ledger.load(tx).await
    }
}

/// Sends all jobs, in order; see [`crate::queue::Queue::send`].
pub(super) async fn send(
    writer: &Writer<Ledger>,
    limit: usize,
    jobs: Vec<Outgoing>,
) -> Vec<Result<(), QueueError>> {
    let mut results = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    loop {
        let chunk: Vec<Outgoing> = jobs.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return results;
        }
        let count = chunk.len();
        match writer.write(Send { jobs: chunk, limit }).await {
            Ok(chunk_results) => results.extend(chunk_results),
            Err(fault) => results.extend((0..count).map(|_| Err(Fault::into(fault.clone())))),
        }
    }
}

struct Send {
    jobs: Vec<Outgoing>,
    limit: usize,
}

#[async_trait]
impl Write<Ledger> for Send {
    type Answer = Vec<Result<(), QueueError>>;

    fn weight(&self) -> u32 {
        let units = self.jobs.iter().map(|job| 1 + job.record.size() / 1024).sum::<usize>();
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    async fn apply(
        &mut self,
        ledger: &mut Ledger,
        _tx: &mut SqliteConnection,
    ) -> Result<Self::Answer, sqlx::Error> {
        let limit = self.limit;
        Ok(std::mem::take(&mut self.jobs).into_iter().map(|job| stage(ledger, job, limit)).collect())
    }
}

fn stage(ledger: &mut Ledger, job: Outgoing, limit: usize) -> Result<(), QueueError> {
    let size = job.record.size();
    if size > limit {
        return Err(QueueError::TooLarge { size, limit });
    }
    let Some(cell) = ledger.queues.get(&job.queue) else {
        return Err(QueueError::UnknownQueue(job.queue));
    };
    let now = Timestamp::now();
    ledger.woken.insert(cell.id);
    let (available, created) = (now.after(job.delay).micros(), now.micros());
    ledger.rows.push(Row::new([cell.id, available, created], job.record));
    Ok(())
}

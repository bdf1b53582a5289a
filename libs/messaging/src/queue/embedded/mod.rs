//! The embedded queue: one SQLite file, `queue.db`, that this process and others on the machine share. Every job is on
//! disk when `send` returns, and gone from it when `ack` does; writes that wait at the same time share one sync.

mod consumer;
mod delivery;
mod ledger;
mod send;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use septet_contract::Timestamp;
use sqlx::SqliteConnection;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{
    consumer::Taker,
    ledger::{Cell, Ledger, Shared},
    send::Declare,
};
use super::{Consumer, Depth, Outgoing, Queue, QueueError, QueueSettings};
use crate::{
    availability::Availability,
    log::embedded::{Fault, File, Kind, Write, Writer},
};

/// As in [`Queue::backend`].
const BACKEND: &str = "embedded";

const KIND: Kind = Kind {
    name: "queue.db",
    application_id: i32::from_be_bytes(*b"S7qu"),
    version: 1,
    schema: include_str!("schema.sql"),
};

/// How an embedded queue behaves.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The caller guarantees that no other process that takes jobs has the file open. Jobs that were out with a killed
    /// process then come back at once; otherwise their leases have to run out first. The attempt stays counted.
    pub sole_owner: bool,
    /// Bytes of key, headers and value that a job may have.
    pub max_job_bytes: usize,
    /// How long a job stays with a process that gives no sign; renewed three times as often while the lease is held.
    pub lease: Duration,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { sole_owner: false, max_job_bytes: 8 << 20, lease: Duration::from_secs(60) }
    }
}

/// The embedded queue. [`Queue::close`] it; when it is dropped instead, its task writes out what is pending and ends.
pub struct EmbeddedQueue {
    shared: Arc<Shared>,
    writer: Writer<Ledger>,
    availability: Availability,
    writing: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedQueue {
    /// Opens the queue in `dir`, or creates it there. Needs a Tokio runtime, on which its task runs.
    ///
    /// # Errors
    /// [`QueueError::Corrupt`] for a file that is damaged, foreign, or newer than this program;
    /// [`QueueError::Unavailable`] where it cannot be opened now.
    pub async fn open(dir: &Path, options: EmbeddedOptions) -> Result<Arc<Self>, QueueError> {
        let (file, mut connection) = File::open(dir, &KIND).await?;
        if options.sole_owner {
            ledger::free(None, &mut connection).await.map_err(|error| Fault::of(&error, file.path()))?;
        }
        let shared = Arc::new(Shared {
            path: file.path().to_owned(),
            instance: uuid::Uuid::now_v7().to_string(),
            readers: file.readers(1),
            options,
            queues: Default::default(),
            held: Default::default(),
            closed: CancellationToken::new(),
        });
        let (writer, writing) =
            Writer::start(connection, file.path().to_owned(), Ledger::new(shared.clone()));
        // The first transaction loads the queues, and shows that the file can be written.
        writer.write(Refresh).await?;
        let availability = Availability::new(BACKEND);
        Ok(Arc::new(Self { shared, writer, availability, writing: Mutex::new(Some(writing)) }))
    }

    /// The queue, also if another process has declared it since the last look.
    async fn queue(&self, name: &str) -> Result<Arc<Cell>, QueueError> {
        self.shared.ensure_open()?;
        if let Ok(queue) = self.shared.queue(name) {
            return Ok(queue);
        }
        self.writer.write(Refresh).await?;
        self.shared.queue(name)
    }
}

#[async_trait]
impl Queue for EmbeddedQueue {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    async fn declare(&self, queues: &[QueueSettings]) -> Result<(), QueueError> {
        let declare = Declare::new(queues)?;
        Ok(self.writer.write(declare).await?)
    }

    async fn send(&self, jobs: Vec<Outgoing>) -> Vec<Result<(), QueueError>> {
        send::send(&self.writer, self.shared.options.max_job_bytes, jobs).await
    }

    async fn consume(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        if prefetch == 0 {
            return Err(QueueError::Invalid("a consumer needs a prefetch of at least 1".to_owned()));
        }
        let queue = self.queue(queue).await?;
        Ok(Box::new(Taker::new(self.shared.clone(), self.writer.clone(), queue, prefetch)))
    }

    async fn depth(&self, queue: &str) -> Result<Depth, QueueError> {
        let queue = self.queue(queue).await?;
        let (ready, delayed, leased): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM jobs WHERE queue_id = $1 AND owner IS NULL AND available_at <= $2),
                    (SELECT count(*) FROM jobs WHERE queue_id = $1 AND owner IS NULL AND available_at > $2),
                    (SELECT count(*) FROM jobs WHERE queue_id = $1 AND owner IS NOT NULL)",
        )
        .bind(queue.id)
        .bind(Timestamp::now().micros())
        .fetch_one(&self.shared.readers)
        .await
        .map_err(|error| self.shared.fault(&error))?;
        Ok(Depth {
            ready: ready.unsigned_abs(),
            delayed: delayed.unsigned_abs(),
            leased: leased.unsigned_abs(),
        })
    }

    async fn ping(&self) -> Result<(), QueueError> {
        Ok(self.writer.write(Refresh).await?)
    }

    async fn available(&self) -> Result<(), String> {
        self.availability.look(self.ping()).await
    }

    async fn close(&self) {
        self.writer.close();
        self.shared.closed.cancel();
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writing) = writing {
            // It ends by itself, and has logged what went wrong.
            let _ = writing.await;
        }
        self.shared.readers.close().await;
    }
}

/// Has the writer look at the file.
struct Refresh;

#[async_trait]
impl Write<Ledger> for Refresh {
    type Answer = ();

    fn durable(&self) -> bool {
        false
    }

    async fn apply(&mut self, _: &mut Ledger, _: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

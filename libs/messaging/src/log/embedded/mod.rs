//! The embedded log: one SQLite file, `log.db`, that this process and others on the machine share. Every append is on
//! disk when it returns; appends that wait at the same time share one transaction and one sync.

mod append;
mod balance;
mod catalog;
mod cursor;
mod fault;
mod file;
mod group;
mod lease;
mod ledger;
mod membership;
mod partition;
mod retention;
mod rows;
mod shared;
mod topics;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    catalog::check_name,
    fault::Fault,
    file::{File, Kind},
    rows::{Row, insert},
    writer::{State, Write, Writer},
};
use self::{
    cursor::Cursor, group::Flush, ledger::Ledger, membership::Member, shared::Shared, topics::ApplyTopics,
};
use super::{
    Append, AppliedTopics, Fetched, From, Log, LogError, Membership, Position, Reader, TopicSettings,
    TopicState,
};
use crate::availability::Availability;

/// As in [`Log::backend`].
const BACKEND: &str = "embedded";

const KIND: Kind = Kind {
    name: "log.db",
    application_id: i32::from_be_bytes(*b"S7lg"),
    version: 1,
    schema: include_str!("schema.sql"),
};

/// How an embedded log behaves.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The caller guarantees that no other process that joins groups has the file open. Memberships that a killed
    /// process left are then ended at once; otherwise their leases have to run out first.
    pub sole_owner: bool,
    /// Bytes of key, headers and value that a record may have.
    pub max_record_bytes: usize,
    /// How long a member of another process lives without a sign; renewed three times as often.
    pub lease: Duration,
    /// How long a member may take to give back a partition that was revoked.
    pub revoke_limit: Duration,
    /// How often records past their topic's retention are removed.
    pub retention_interval: Duration,
    /// Connections that read, beside the one that writes.
    pub readers: u32,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            sole_owner: false,
            max_record_bytes: 8 << 20,
            lease: Duration::from_secs(10),
            revoke_limit: Duration::from_secs(20),
            retention_interval: Duration::from_secs(30),
            readers: 3,
        }
    }
}

/// The embedded log. [`Log::close`] it; when it is dropped instead, its tasks write out what is pending and end.
pub struct EmbeddedLog {
    inner: Arc<Inner>,
    availability: Availability,
    writing: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    shared: Arc<Shared>,
    writer: Writer<Ledger>,
}

impl EmbeddedLog {
    /// Opens the log in `dir`, or creates it there. Needs a Tokio runtime, on which its tasks run.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] for a file that is damaged, foreign, or newer than this program;
    /// [`LogError::Unavailable`] where it cannot be opened now.
    pub async fn open(dir: &Path, options: EmbeddedOptions) -> Result<Arc<Self>, LogError> {
        let (file, mut connection) = File::open(dir, &KIND).await?;
        if options.sole_owner {
            group::clear(None, &mut connection).await.map_err(|error| Fault::of(&error, file.path()))?;
        }
        let shared = Arc::new(Shared {
            path: file.path().to_owned(),
            instance: uuid::Uuid::now_v7().to_string(),
            readers: file.readers(options.readers.max(1)),
            options,
            topics: Default::default(),
            groups: Default::default(),
            commits: Default::default(),
            closed: CancellationToken::new(),
        });
        let (writer, writing) =
            Writer::start(connection, file.path().to_owned(), Ledger::new(shared.clone()));
        // The first transaction loads the topics, and shows that the file can be written.
        writer.write(Flush).await?;
        let inner = Arc::new(Inner { shared, writer });
        tokio::spawn(retention::run(Arc::downgrade(&inner)));
        let availability = Availability::new(BACKEND);
        Ok(Arc::new(Self { inner, availability, writing: Mutex::new(Some(writing)) }))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Fetches what other processes may have changed since the last look.
    async fn refresh(&self) -> Result<(), LogError> {
        Ok(self.inner.writer.write(Flush).await?)
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    async fn apply_topics(&self, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError> {
        let apply = ApplyTopics::new(topics)?;
        Ok(self.inner.writer.write(apply).await?)
    }

    async fn topics(&self) -> Result<Vec<TopicState>, LogError> {
        self.refresh().await?;
        Ok(self.shared().topics().iter().map(|(name, topic)| topic.state(name)).collect())
    }

    async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>> {
        append::append(&self.inner.writer, self.shared().options.max_record_bytes, records).await
    }

    async fn subscribe(&self, group: &str, topics: &[String]) -> Result<Box<dyn Membership>, LogError> {
        self.shared().ensure_open()?;
        check_name("group", group)?;
        if topics.is_empty() {
            return Err(LogError::Invalid(format!("group {group} is to read no topic; name at least one")));
        }
        if topics.iter().any(|topic| self.shared().topic(topic).is_err()) {
            self.refresh().await?;
        }
        for topic in topics {
            self.shared().topic(topic)?;
        }
        let (shared, writer) = (self.shared().clone(), self.inner.writer.clone());
        Ok(Box::new(Member::join(shared, writer, group, topics).await?))
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, LogError> {
        self.shared().ensure_open()?;
        if self.shared().topic(topic).is_err() {
            self.refresh().await?;
        }
        let topic = self.shared().topic(topic)?;
        let positions = cursor::positions(self.shared(), group).await?;
        let at = |id| positions.get(&id).copied();
        Ok(topic.partitions.iter().filter_map(|cell| Some((cell.number, at(cell.id)?))).collect())
    }

    async fn read(&self, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, LogError> {
        self.shared().ensure_open()?;
        if self.shared().topic(topic).is_err() {
            self.refresh().await?;
        }
        let partitions = self.shared().topic(topic)?;
        let cell = usize::try_from(partition).ok().and_then(|number| partitions.partitions.get(number));
        let Some(cell) = cell else {
            let count = partitions.partitions.len();
            return Err(LogError::Invalid(format!(
                "topic {topic} has no partition {partition}; its partitions are 0 to {}",
                count.saturating_sub(1)
            )));
        };
        let mut cursor = Cursor::new(self.shared().clone(), cell.clone(), "reader");
        cursor.position = cursor::locate(self.shared(), cell, from).await?;
        Ok(Box::new(Tail { cursor, _log: self.inner.clone() }))
    }

    async fn ping(&self) -> Result<(), LogError> {
        self.refresh().await
    }

    async fn available(&self) -> Result<(), String> {
        self.availability.look(self.ping()).await
    }

    async fn close(&self) {
        self.inner.writer.close();
        self.shared().closed.cancel();
        let writing = shared::lock(&self.writing).take();
        if let Some(writing) = writing {
            // It ends by itself, and has logged what went wrong.
            let _ = writing.await;
        }
        self.shared().readers.close().await;
    }
}

/// Reads a partition without a group.
struct Tail {
    cursor: Cursor,
    /// Keeps the file open while it is read.
    _log: Arc<Inner>,
}

#[async_trait]
impl Reader for Tail {
    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        self.cursor.next(max).await
    }
}

//! A log that notes when a service has done a record.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use septet_messaging::log::{
    Append, AppliedTopics, Assignment, Fetched, From, Log, LogError, Membership, Partition, Position, Reader,
    SharedLog, TopicSettings, TopicState,
};

/// Partition, the offset before which all is done, and since when.
pub type Done = (i32, i64, Instant);

/// Passes everything on. A service gives its position right after it has committed the effects.
pub struct WatchedLog {
    inner: SharedLog,
    topic: &'static str,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    assigned: AtomicUsize,
    done: Mutex<Vec<Done>>,
}

impl WatchedLog {
    pub fn new(inner: SharedLog, topic: &'static str) -> Self {
        Self { inner, topic, seen: Arc::default() }
    }

    /// Partitions of the topic that are read.
    pub fn assigned(&self) -> usize {
        self.seen.assigned.load(Ordering::Relaxed)
    }

    pub fn done(&self) -> Vec<Done> {
        self.seen.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Log for WatchedLog {
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    async fn apply_topics(&self, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError> {
        self.inner.apply_topics(topics).await
    }

    async fn topics(&self) -> Result<Vec<TopicState>, LogError> {
        self.inner.topics().await
    }

    async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>> {
        self.inner.append(records).await
    }

    async fn subscribe(&self, group: &str, topics: &[String]) -> Result<Box<dyn Membership>, LogError> {
        let inner = self.inner.subscribe(group, topics).await?;
        Ok(Box::new(WatchedMembership { inner, topic: self.topic, seen: Arc::clone(&self.seen) }))
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, LogError> {
        self.inner.committed(group, topic).await
    }

    async fn read(&self, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, LogError> {
        self.inner.read(topic, partition, from).await
    }

    async fn ping(&self) -> Result<(), LogError> {
        self.inner.ping().await
    }

    async fn available(&self) -> Result<(), String> {
        self.inner.available().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct WatchedMembership {
    inner: Box<dyn Membership>,
    topic: &'static str,
    seen: Arc<Seen>,
}

#[async_trait]
impl Membership for WatchedMembership {
    async fn next(&mut self) -> Result<Assignment, LogError> {
        Ok(match self.inner.next().await? {
            Assignment::Assigned(inner) if inner.topic() == self.topic => {
                self.seen.assigned.fetch_add(1, Ordering::Relaxed);
                Assignment::Assigned(Box::new(WatchedPartition { inner, seen: Arc::clone(&self.seen) }))
            }
            other => other,
        })
    }

    async fn leave(self: Box<Self>) {
        self.inner.leave().await;
    }
}

struct WatchedPartition {
    inner: Box<dyn Partition>,
    seen: Arc<Seen>,
}

#[async_trait]
impl Partition for WatchedPartition {
    fn topic(&self) -> &str {
        self.inner.topic()
    }

    fn partition(&self) -> i32 {
        self.inner.partition()
    }

    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        self.inner.batch(max).await
    }

    async fn commit(&mut self, next: i64) -> Result<(), LogError> {
        let done = (self.inner.partition(), next, Instant::now());
        self.seen.done.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        self.inner.commit(next).await
    }

    fn lag(&self) -> Option<u64> {
        self.inner.lag()
    }
}

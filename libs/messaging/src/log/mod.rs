//! The log: topics of partitions, read by consumer groups. Two backends: [`embedded`] (SQLite, this process and others
//! on the machine) and [`kafka`]. Both pass the conformance suite of `septet-testkit`.

pub mod embedded;
pub mod kafka;
mod partitioner;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use septet_contract::{Record, Timestamp};
use tokio::sync::oneshot;

pub use partitioner::murmur2_partition;

/// A log, whichever backend it is.
pub type SharedLog = Arc<dyn Log>;

/// An append-only log of topics and partitions with consumer groups.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Name of the backend, `embedded` or `kafka`, for messages and metrics.
    fn backend(&self) -> &'static str;

    /// Creates the topics that do not exist, widens those with too few partitions, and sets the retention of all. Never
    /// narrows or deletes.
    async fn apply_topics(&self, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError>;

    /// Every topic with its partitions' kept ranges, by name.
    async fn topics(&self) -> Result<Vec<TopicState>, LogError>;

    /// Appends records and waits until each is durable. One result for each record, in their order; records of one key
    /// are appended in their order, and where one fails, no later record of that key in the same call succeeds.
    async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>>;

    /// Joins a consumer group. A group that has no position on a partition starts at its first kept record.
    async fn subscribe(&self, group: &str, topics: &[String]) -> Result<Box<dyn Membership>, LogError>;

    /// Next offset that the group will read, for each partition of the topic that it has a position on.
    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, LogError>;

    /// Reads one partition without a group.
    async fn read(&self, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, LogError>;

    /// Ok if the backend answers now.
    async fn ping(&self) -> Result<(), LogError>;

    /// Ok if the backend does now what it is there for; else why not, and for how long. Answers within 2 s, and asks the
    /// backend once a second at most.
    async fn available(&self) -> Result<(), String>;

    /// Writes out what is pending and closes. Later calls give [`LogError::Closed`].
    async fn close(&self);
}

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 249 characters, as Kafka has it.
    pub name: String,
    /// Number of partitions, at least 1.
    pub partitions: u32,
    /// How long a record is kept at least.
    pub retention: Duration,
    /// Bytes that a partition keeps at most, oldest dropped first; `None` for no bound.
    pub retention_bytes: Option<u64>,
}

/// What [`Log::apply_topics`] did, by topic name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedTopics {
    /// Did not exist.
    pub created: Vec<String>,
    /// Had fewer partitions. A key may belong to another partition now, so its order holds among the records from before,
    /// and among those from now on, but not between the two.
    pub widened: Vec<String>,
    /// Kept its records for another time, or up to another size.
    pub retention_changed: Vec<String>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Its name.
    pub name: String,
    /// By partition number, from 0.
    pub partitions: Vec<KeptRange>,
}

/// The offsets that a partition keeps: `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptRange {
    /// First kept offset.
    pub start: i64,
    /// Offset that the next record will get.
    pub end: i64,
}

/// A record on its way into a topic. The partition follows from the key by Kafka's murmur2, so that a key keeps its
/// order when a topic moves between backends; without a key, any partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Topic, which must exist.
    pub topic: String,
    /// The record; its timestamp is set by the log.
    pub record: Record,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Partition, from 0.
    pub partition: i32,
    /// Offset, from 0, rising by at least one for each record.
    pub offset: i64,
}

/// Where to begin to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The first kept record.
    Start,
    /// Whatever is appended from now on.
    End,
    /// This offset, or the first kept one where it is gone.
    Offset(i64),
    /// The first record appended at or after this time.
    Time(Timestamp),
}

/// A membership in a consumer group. Dropping it leaves the group; [`Membership::leave`] does so and waits.
#[async_trait]
pub trait Membership: Send {
    /// The next change of what this member reads. Safe to cancel. An error is transient: call again.
    async fn next(&mut self) -> Result<Assignment, LogError>;

    /// Leaves the group, once every partition has been given back.
    async fn leave(self: Box<Self>);
}

/// A change of what a member reads.
pub enum Assignment {
    /// This member, and no other of its group, reads the partition from now on.
    Assigned(Box<dyn Partition>),
    /// Another member will read the partition. Finish what is in hand, commit, then drop or send `done`; the backend
    /// waits for it, up to its own limit.
    Revoked {
        /// Topic.
        topic: String,
        /// Partition, from 0.
        partition: i32,
        /// Tells the backend that the partition is no longer in use here.
        done: oneshot::Sender<()>,
    },
}

/// A partition that a member reads.
#[async_trait]
pub trait Partition: Send {
    /// Topic.
    fn topic(&self) -> &str;

    /// Partition, from 0.
    fn partition(&self) -> i32;

    /// The next records, at least one and at most `max`, in order of their offsets; waits for the first. Safe to cancel: what was not
    /// returned comes again. An error is transient, unless it is [`LogError::Closed`] (also given after a revocation).
    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError>;

    /// Makes `next` the group's position: all records before it are done. Call it after the effects are committed.
    /// Durable at the latest when the partition is dropped or the membership left.
    async fn commit(&mut self, next: i64) -> Result<(), LogError>;

    /// Records between the last fetched one and the partition's end, as far as the backend knows.
    fn lag(&self) -> Option<u64>;
}

/// Reads one partition without a group.
#[async_trait]
pub trait Reader: Send {
    /// The next records, at least one and at most `max`, in order; waits for the first. Safe to cancel.
    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError>;
}

/// A record and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its offset.
    pub offset: i64,
    /// The record.
    pub record: Record,
}

/// Why the log did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Transient: the backend cannot be reached or is busy. Try again.
    #[error("the {backend} log is not available: {reason}")]
    Unavailable {
        /// Backend.
        backend: &'static str,
        /// What it said.
        reason: String,
    },
    /// The topic is not there.
    #[error("topic {0} does not exist; create it with `septet topics apply`")]
    UnknownTopic(String),
    /// A name or number is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// The record is larger than the log takes.
    #[error("a record of {size} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Bytes of key, headers and value.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The log is closed, or the partition was revoked.
    #[error("the log is closed")]
    Closed,
    /// The data on disk is damaged.
    #[error(
        "{path} is damaged: {reason}; restore it from a backup, or move it away to start with an empty log"
    )]
    Corrupt {
        /// File.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl LogError {
    /// True if the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

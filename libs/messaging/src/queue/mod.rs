//! The queue: jobs that wait for one worker. Two backends: [`embedded`] (SQLite) and [`rabbitmq`] (quorum queues). Both
//! pass the conformance suite of `septet-testkit`.

pub mod embedded;
pub mod rabbitmq;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use septet_contract::Record;

/// A queue, whichever backend it is.
pub type SharedQueue = Arc<dyn Queue>;

/// Durable queues of jobs with leases, delays and attempts.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Name of the backend, `embedded` or `rabbitmq`, for messages and metrics.
    fn backend(&self) -> &'static str;

    /// Creates the queues that do not exist.
    async fn declare(&self, queues: &[QueueSettings]) -> Result<(), QueueError>;

    /// Puts jobs into queues and waits until each is durable. One result for each, in their order.
    async fn send(&self, jobs: Vec<Outgoing>) -> Vec<Result<(), QueueError>>;

    /// Starts to take jobs from a queue; at most `prefetch` are out with this consumer at a time.
    async fn consume(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError>;

    /// How many jobs the queue holds.
    async fn depth(&self, queue: &str) -> Result<Depth, QueueError>;

    /// Ok if the backend answers now.
    async fn ping(&self) -> Result<(), QueueError>;

    /// Ok if the backend does now what it is there for; else why not, and for how long. Answers within 2 s, and asks the
    /// backend once a second at most.
    async fn available(&self) -> Result<(), String>;

    /// Closes. Jobs that are out come back to the queue.
    async fn close(&self);
}

/// A queue as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 200 characters.
    pub name: String,
    /// Deliveries that a worker gives a job; past them the worker dead-letters it. The backend may stop delivering only
    /// well beyond this number, as a last resort against a job that kills its worker.
    pub max_attempts: u32,
}

/// A job on its way into a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Queue, which must exist.
    pub queue: String,
    /// The job, in the same binding as an event.
    pub record: Record,
    /// Not delivered before this much time has passed.
    pub delay: Duration,
}

/// Takes jobs from one queue. Dropping it gives back what it holds.
#[async_trait]
pub trait Consumer: Send {
    /// The next job; waits for one. Safe to cancel. An error is transient, unless it is [`QueueError::Closed`].
    async fn next(&mut self) -> Result<Delivery, QueueError>;
}

/// A job that was handed to this worker, and to no other until it is settled or the lease runs out.
pub struct Delivery {
    /// The job.
    pub record: Record,
    /// 1 for the first delivery. Counts deliveries that ended in a crash as well.
    pub attempt: u32,
    /// Settles it. Dropping it gives the job back for another attempt.
    pub lease: Box<dyn Lease>,
}

/// The right to work on one job. Kept alive by the backend while it is held.
#[async_trait]
pub trait Lease: Send + Sync {
    /// The job is done: remove it.
    async fn ack(self: Box<Self>) -> Result<(), QueueError>;

    /// Deliver the job again, not before `delay` has passed.
    async fn retry(self: Box<Self>, delay: Duration) -> Result<(), QueueError>;
}

/// How many jobs a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Can be delivered now.
    pub ready: u64,
    /// Wait for their time.
    pub delayed: u64,
    /// Are out with workers, as far as the backend can tell.
    pub leased: u64,
}

/// Why the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Transient: the backend cannot be reached or is busy. Try again.
    #[error("the {backend} queue is not available: {reason}")]
    Unavailable {
        /// Backend.
        backend: &'static str,
        /// What it said.
        reason: String,
    },
    /// The queue is not there.
    #[error("queue {0} does not exist")]
    UnknownQueue(String),
    /// A name or number is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// The job is larger than the queue takes.
    #[error("a job of {size} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Bytes of headers and value.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The queue is closed, or the lease was lost.
    #[error("the queue is closed, or the lease on the job ran out")]
    Closed,
    /// The data on disk is damaged.
    #[error(
        "{path} is damaged: {reason}; restore it from a backup, or move it away to start with an empty queue"
    )]
    Corrupt {
        /// File.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl QueueError {
    /// True if the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

//! The queue on RabbitMQ: quorum queues, confirmed publishing, manual acknowledgement.
//!
//! A connection is made when it is needed and made again when it is lost ([`link`]); calls meanwhile are told that the
//! queue is not available, consumers wait and go on by themselves. Delays and retries go through queues in which
//! messages expire ([`delay`]). The attempts of a job are those that its header names, from before its last retry, plus
//! the deliveries that RabbitMQ counts since: a worker that was killed has used up an attempt.
//!
//! RabbitMQ counts every delivery to this process, also of a job that waits in the consumer's prefetch and was not
//! handed to a worker when the process died; a `prefetch` no larger than the number of workers keeps that rare.

mod binding;
mod config;
mod consumer;
mod delay;
mod lease;
mod link;
mod publisher;
mod settle;
mod tls;
mod topology;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub use config::RabbitConfig;

use self::{binding::Job, consumer::Intake, lease::Leases, link::Link, publisher::Publisher};
use super::{Consumer, Depth, Outgoing, Queue, QueueError, QueueSettings};
use crate::availability::Availability;

/// As in [`Queue::backend`].
const BACKEND: &str = "rabbitmq";
/// How long [`Queue::available`] waits for a connection that is being made.
const TELL_AFTER: Duration = Duration::from_millis(1500);
/// Jobs that are published before the first of them must be confirmed.
const WINDOW: usize = 256;

/// A RabbitMQ as a [`Queue`].
pub struct RabbitQueue {
    /// Over which jobs are taken. Publishing has a connection of its own, which the broker may block without keeping jobs
    /// from being taken: that is what frees its disk.
    link: Arc<Link>,
    publisher: Arc<Publisher>,
    leases: Arc<Leases>,
    availability: Availability,
}

impl RabbitQueue {
    /// Checks the configuration and reads its secret files; connects when it is used first, so that a broker that is
    /// away does not keep the service from starting.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] names the key that cannot be.
    pub fn new(config: RabbitConfig) -> Result<Self, QueueError> {
        let link = Arc::new(Link::new(config.clone(), "taking jobs")?);
        let publisher = Arc::new(Publisher::new(Link::new(config, "sending jobs")?));
        Ok(Self { link, publisher, leases: Arc::default(), availability: Availability::new(BACKEND) })
    }

    fn check_open(&self) -> Result<(), QueueError> {
        if self.link.closed.is_cancelled() { Err(QueueError::Closed) } else { Ok(()) }
    }

    fn check_job(&self, job: &Job) -> Result<(), QueueError> {
        let (size, limit) = (job.record.size(), self.link.config.max_job_bytes);
        if size > limit {
            return Err(QueueError::TooLarge { size, limit });
        }
        job.properties("").map(drop)
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    async fn declare(&self, queues: &[QueueSettings]) -> Result<(), QueueError> {
        self.check_open()?;
        queues.iter().try_for_each(topology::check)?;
        for queue in queues {
            topology::declare(&self.link, &queue.name).await?;
        }
        Ok(())
    }

    async fn send(&self, jobs: Vec<Outgoing>) -> Vec<Result<(), QueueError>> {
        if self.check_open().is_err() {
            return jobs.iter().map(|_| Err(QueueError::Closed)).collect();
        }
        let mut results: Vec<Result<(), QueueError>> = jobs.iter().map(|_| Ok(())).collect();
        let mut good = Vec::with_capacity(jobs.len());
        for (index, Outgoing { queue, record, delay }) in jobs.into_iter().enumerate() {
            let job = Job::new(record, delay);
            match self.check_job(&job) {
                Ok(()) => good.push((index, queue, job)),
                Err(error) => results[index] = Err(error),
            }
        }
        for window in good.chunks(WINDOW) {
            let jobs: Vec<(&str, &Job)> =
                window.iter().map(|(_, queue, job)| (queue.as_str(), job)).collect();
            for ((index, ..), result) in window.iter().zip(self.publisher.publish_all(&jobs).await) {
                results[*index] = result;
            }
        }
        results
    }

    async fn consume(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        self.check_open()?;
        let intake = Intake {
            link: self.link.clone(),
            publisher: self.publisher.clone(),
            leases: self.leases.clone(),
            queue: queue.to_owned(),
            // 0 would mean without a bound.
            prefetch: prefetch.max(1),
        };
        Ok(Box::new(intake.start().await?))
    }

    /// `leased` counts what is out with this process; RabbitMQ tells of others in its management interface only.
    async fn depth(&self, queue: &str) -> Result<Depth, QueueError> {
        self.check_open()?;
        let (ready, delayed) = topology::depth(&self.link, queue).await?;
        Ok(Depth { ready, delayed, leased: self.leases.count(queue) })
    }

    async fn ping(&self) -> Result<(), QueueError> {
        self.check_open()?;
        self.publisher.link.check_flow()?;
        self.link.channel().await.map(drop)
    }

    async fn available(&self) -> Result<(), String> {
        let ping = async {
            tokio::select! {
                answer = self.ping() => answer,
                // While a connection is being made, this says more than that there was no answer.
                () = tokio::time::sleep(TELL_AFTER) => Err(self.link.trouble()),
            }
        };
        self.availability.look(ping).await
    }

    async fn close(&self) {
        // Retries of what is still being taken would come to nothing over a closed connection.
        self.link.close().await;
        self.publisher.link.close().await;
    }
}

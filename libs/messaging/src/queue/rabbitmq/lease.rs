//! The right to work on a job, as an unacknowledged AMQP delivery.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use lapin::{Acker, Channel};
use septet_contract::Timestamp;

use super::{
    super::{Lease, QueueError},
    binding::Job,
    publisher::Publisher,
    settle,
};

/// How many jobs of each queue are out with this process.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<String, u64>>);

impl Leases {
    pub(super) fn count(&self, queue: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(queue).copied().unwrap_or(0)
    }

    fn change(&self, queue: &str, change: impl FnOnce(u64) -> u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(queue.to_owned()).or_default();
        *count = change(*count);
    }
}

pub(super) struct RabbitLease {
    /// `None` once it is settled.
    acker: Option<Acker>,
    queue: String,
    job: Job,
    attempt: u32,
    publisher: Arc<Publisher>,
    leases: Arc<Leases>,
    /// Held so that the channel, to which the delivery belongs, outlives the consumer.
    _channel: Channel,
}

impl RabbitLease {
    pub(super) fn new(
        acker: Acker,
        channel: Channel,
        queue: String,
        job: Job,
        attempt: u32,
        publisher: Arc<Publisher>,
        leases: Arc<Leases>,
    ) -> Self {
        leases.change(&queue, |count| count + 1);
        Self { acker: Some(acker), queue, job, attempt, publisher, leases, _channel: channel }
    }

    async fn settle(&mut self) -> Result<(), QueueError> {
        let Some(acker) = self.acker.take() else { return Err(QueueError::Closed) };
        if settle::ack(&acker).await { Ok(()) } else { Err(QueueError::Closed) }
    }
}

#[async_trait]
impl Lease for RabbitLease {
    async fn ack(mut self: Box<Self>) -> Result<(), QueueError> {
        self.settle().await
    }

    async fn retry(mut self: Box<Self>, delay: Duration) -> Result<(), QueueError> {
        if !self.acker.as_ref().is_some_and(Acker::usable) {
            return Err(QueueError::Closed);
        }
        let due = (!delay.is_zero()).then(|| Timestamp::now().after(delay));
        let copy = Job { record: self.job.record.clone(), attempts: self.attempt, due };
        // First the copy, then the goodbye to the original: a crash between them gives two, never none.
        self.publisher.publish(&self.queue, &copy).await?;
        self.settle().await
    }
}

impl Drop for RabbitLease {
    fn drop(&mut self) {
        self.leases.change(&self.queue, |count| count.saturating_sub(1));
        let Some(acker) = self.acker.take() else { return };
        // Without a runtime the connection goes as well, which gives the job back.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let channel = self._channel.clone();
            runtime.spawn(async move {
                settle::give_back(&acker).await;
                drop(channel);
            });
        }
    }
}

//! Confirmed publishing.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use lapin::{
    Channel, Confirmation, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::sync::Mutex;

use super::{
    super::QueueError,
    binding::Job,
    delay,
    link::{Link, unavailable},
};

/// Calls that publish at the same time; further ones wait.
const CHANNELS: usize = 4;

/// Publishes on a few channels, each for one call at a time.
///
/// A message that no queue takes is returned before it is confirmed, but RabbitMQ's binding here does not say to which
/// confirmation a returned message belongs. So a channel serves one call from its first message to its last
/// confirmation, and returned messages are found by their ids.
pub(super) struct Publisher {
    /// Its own.
    pub(super) link: Link,
    channels: [Mutex<Option<Channel>>; CHANNELS],
    turn: AtomicUsize,
    ids: AtomicU64,
}

impl Publisher {
    pub(super) fn new(link: Link) -> Self {
        Self { link, channels: Default::default(), turn: AtomicUsize::new(0), ids: AtomicU64::new(0) }
    }

    /// Puts one job where it waits for its time, or into its queue.
    pub(super) async fn publish(&self, queue: &str, job: &Job) -> Result<(), QueueError> {
        self.publish_all(&[(queue, job)]).await.pop().unwrap_or_else(|| Err(unavailable("not published")))
    }

    /// The same for many; one result for each.
    pub(super) async fn publish_all(&self, jobs: &[(&str, &Job)]) -> Vec<Result<(), QueueError>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % CHANNELS;
        let mut slot = self.channels[turn].lock().await;
        if let Err(blocked) = self.link.check_flow() {
            return jobs.iter().map(|_| Err(again(&blocked))).collect();
        }
        // Taken out: should this future be dropped half-way, the channel with its confirmations under way goes too.
        let channel = match slot.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => match self.open().await {
                Ok(channel) => channel,
                Err(error) => return jobs.iter().map(|_| Err(again(&error))).collect(),
            },
        };
        let mut sent = Vec::with_capacity(jobs.len());
        for (queue, job) in jobs {
            let id = self.ids.fetch_add(1, Ordering::Relaxed).to_string();
            sent.push((self.begin(&channel, queue, job, &id).await, id, *queue));
        }
        let mut returned = HashSet::new();
        let mut outcomes = Vec::with_capacity(jobs.len());
        for (confirm, id, queue) in sent {
            let outcome = match confirm {
                Ok(confirm) => self.confirmed(confirm, &mut returned).await,
                Err(error) => Err(error),
            };
            outcomes.push((outcome, id, queue));
        }
        if outcomes.iter().all(|(outcome, ..)| !outcome.as_ref().is_err_and(QueueError::is_transient)) {
            *slot = Some(channel);
        }
        let result = |(outcome, id, queue): (Result<(), QueueError>, String, &str)| match outcome {
            Ok(()) if returned.contains(&id) => Err(QueueError::UnknownQueue(queue.to_owned())),
            outcome => outcome,
        };
        outcomes.into_iter().map(result).collect()
    }

    async fn open(&self) -> Result<Channel, QueueError> {
        let channel = self.link.channel().await?;
        let selected = channel.confirm_select(ConfirmSelectOptions::default());
        self.link.in_time(selected).await?.map_err(unavailable)?;
        Ok(channel)
    }

    async fn begin(
        &self,
        channel: &Channel,
        queue: &str,
        job: &Job,
        id: &str,
    ) -> Result<PublisherConfirm, QueueError> {
        let properties = job.properties(id)?;
        let place =
            delay::step(job.remaining()).map_or(queue.to_owned(), |step| delay::queue_name(queue, step));
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        // The default exchange, which knows every queue by its name.
        let published =
            channel.basic_publish(ShortString::default(), place.into(), options, job.body(), properties);
        self.link.in_time(published).await?.map_err(unavailable)
    }

    async fn confirmed(
        &self,
        confirm: PublisherConfirm,
        returned: &mut HashSet<String>,
    ) -> Result<(), QueueError> {
        let confirmation = tokio::select! {
            biased;
            confirmation = self.link.in_time(confirm) => confirmation?.map_err(unavailable)?,
            // It may be taken when the broker goes on, and a second time when the caller repeats it.
            blocked = self.link.blocked() => return Err(blocked),
        };
        let is_ack = matches!(confirmation, Confirmation::Ack(_));
        if let Some(message) = confirmation.take_message()
            && let Some(id) = message.delivery.properties.message_id()
        {
            returned.insert(id.to_string());
        }
        if is_ack { Ok(()) } else { Err(unavailable("the broker did not take the job")) }
    }
}

/// The same error for every job of a call.
fn again(error: &QueueError) -> QueueError {
    match error {
        QueueError::Closed => QueueError::Closed,
        QueueError::Unavailable { reason, .. } => unavailable(reason),
        other => unavailable(other),
    }
}

//! Taking jobs, over as many connections as it takes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::StreamExt;
use lapin::{
    Acker, Channel,
    message::Delivery as Message,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    super::{Consumer, Delivery, QueueError},
    BACKEND,
    binding::Job,
    delay,
    lease::{Leases, RabbitLease},
    link::{Link, failed},
    publisher::Publisher,
    settle,
};

/// Pause before the subscription is tried again.
const SUBSCRIBE_AGAIN: Duration = Duration::from_millis(300);
/// How often to look whether the channel is gone.
const LOOK: Duration = Duration::from_secs(1);
/// Pause before a job is given back that could not be put off, so that it does not go in circles.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(1);

pub(super) struct RabbitConsumer {
    jobs: mpsc::Receiver<Taken>,
    _ends_with_it: DropGuard,
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Result<Delivery, QueueError> {
        loop {
            let taken = self.jobs.recv().await.ok_or(QueueError::Closed)?;
            // What came over a connection that is gone is back in the queue.
            if taken.acker.usable() {
                return Ok(taken.delivery);
            }
        }
    }
}

/// A job that waits to be handed out.
struct Taken {
    delivery: Delivery,
    acker: Acker,
}

/// What takes jobs from the broker and hands them on, in a task of its own.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) link: Arc<Link>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) leases: Arc<Leases>,
    pub(super) queue: String,
    pub(super) prefetch: u16,
}

/// A subscription, on a channel of its own.
struct Subscription {
    channel: Channel,
    messages: lapin::Consumer,
}

impl Intake {
    /// Subscribes, and does so again whenever the connection was lost, until the consumer is dropped.
    pub(super) async fn start(self) -> Result<RabbitConsumer, QueueError> {
        let mut subscription = self.subscribe().await?;
        let (sender, jobs) = mpsc::channel(self.prefetch.into());
        let stop = self.link.closed.child_token();
        let guard = stop.clone().drop_guard();
        tokio::spawn(async move {
            loop {
                self.take(&mut subscription, &sender, &stop).await;
                match self.subscribe_again(&stop).await {
                    Some(next) => subscription = next,
                    None => return,
                }
            }
        });
        Ok(RabbitConsumer { jobs, _ends_with_it: guard })
    }

    async fn subscribe(&self) -> Result<Subscription, QueueError> {
        let fail = |error: &lapin::Error| failed(error, &self.queue);
        let channel = self.link.channel().await?;
        let qos = channel.basic_qos(self.prefetch, BasicQosOptions::default());
        self.link.in_time(qos).await?.map_err(|error| fail(&error))?;
        let consumed = channel.basic_consume(
            self.queue.as_str().into(),
            ShortString::default(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let messages = self.link.in_time(consumed).await?.map_err(|error| fail(&error))?;
        Ok(Subscription { channel, messages })
    }

    /// `None` once it is to stop.
    async fn subscribe_again(&self, stop: &CancellationToken) -> Option<Subscription> {
        let mut told = false;
        loop {
            if stop.is_cancelled() {
                return None;
            }
            match self.subscribe().await {
                Ok(subscription) => return Some(subscription),
                Err(QueueError::Closed) => return None,
                Err(error) if !told => {
                    told = true;
                    tracing::warn!(backend = BACKEND, queue = self.queue, %error, "waiting to take jobs again");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(SUBSCRIBE_AGAIN) => {}
            }
        }
    }

    /// Hands jobs on until the subscription is gone or it is to stop.
    async fn take(
        &self,
        subscription: &mut Subscription,
        jobs: &mpsc::Sender<Taken>,
        stop: &CancellationToken,
    ) {
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = subscription.messages.next() => message,
                () = lost(&subscription.channel) => None,
            };
            match message {
                Some(Ok(message)) => {
                    let Some(taken) = self.receive(message, &subscription.channel) else { continue };
                    // There is room for all that the broker hands out at a time, and a wait only behind what is left
                    // of a lost connection. Where nobody takes it any more, it is dropped, which gives it back.
                    tokio::select! {
                        () = stop.cancelled() => break,
                        _ = jobs.send(taken) => {}
                    }
                }
                Some(Err(error)) => {
                    tracing::debug!(backend = BACKEND, queue = self.queue, %error, "the subscription was lost");
                    return;
                }
                None => return,
            }
        }
        self.end(subscription).await;
    }

    /// Tells the broker to hand out no more; what came meanwhile goes back.
    async fn end(&self, subscription: &mut Subscription) {
        let tag = subscription.messages.tag();
        let cancelled = subscription.channel.basic_cancel(tag, BasicCancelOptions::default());
        if let Ok(Ok(())) = self.link.in_time(cancelled).await {
            while let Ok(Some(Ok(message))) = self.link.in_time(subscription.messages.next()).await {
                settle::give_back(&message.acker).await;
            }
        }
    }

    /// The job as it is handed out; `None` if it is not due and was sent to wait on.
    fn receive(&self, message: Message, channel: &Channel) -> Option<Taken> {
        let (job, redelivered) = Job::read(message.data, &message.properties);
        let acker = message.acker;
        if delay::step(job.remaining()).is_some() {
            let (intake, channel) = (self.clone(), channel.clone());
            tokio::spawn(async move {
                match intake.publisher.publish(&intake.queue, &job).await {
                    Ok(()) => {
                        // Should the channel be gone, there are two copies, never none.
                        settle::ack(&acker).await;
                    }
                    Err(error) => {
                        tracing::warn!(backend = BACKEND, queue = intake.queue, %error, "a delayed job waits here");
                        tokio::time::sleep(GIVE_BACK_AFTER).await;
                        settle::give_back(&acker).await;
                    }
                }
                drop(channel);
            });
            return None;
        }
        let attempt = job.attempts.saturating_add(redelivered).saturating_add(1);
        let record = job.record.clone();
        let (queue, publisher, leases) = (self.queue.clone(), self.publisher.clone(), self.leases.clone());
        let lease = RabbitLease::new(acker.clone(), channel.clone(), queue, job, attempt, publisher, leases);
        Some(Taken { delivery: Delivery { record, attempt, lease: Box::new(lease) }, acker })
    }
}

/// Resolves once the channel is gone. The stream of messages should end by itself then; a consumer that hangs is too
/// high a price for relying on it.
async fn lost(channel: &Channel) {
    let mut looks = tokio::time::interval(LOOK);
    while channel.status().connected() {
        looks.tick().await;
    }
}

//! Commits positions beside the member's thread. librdkafka tells the result only to a call that blocks.

use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};

use super::rebalance::Rebalances;

/// A thread that commits for one consumer, one commit at a time.
pub(super) struct Committer {
    positions: mpsc::Sender<TopicPartitionList>,
    thread: JoinHandle<()>,
}

impl Committer {
    /// Starts the thread; results go to [`Rebalances::note_committed`].
    pub(super) fn start(consumer: Arc<BaseConsumer<Rebalances>>) -> std::io::Result<Self> {
        let (positions, inbox) = mpsc::channel::<TopicPartitionList>();
        let thread = thread::Builder::new().name("kafka-commit".to_owned()).spawn(move || {
            for positions in inbox {
                let result = consumer.commit(&positions, CommitMode::Sync);
                consumer.context().note_committed(result);
            }
        })?;
        Ok(Self { positions, thread })
    }

    /// Begins a commit. Every call is followed by exactly one result.
    pub(super) fn commit(&self, consumer: &BaseConsumer<Rebalances>, positions: TopicPartitionList) {
        if self.positions.send(positions).is_err() {
            // Only if the thread panicked inside librdkafka's binding.
            consumer.context().note_committed(Err(rdkafka::error::KafkaError::Canceled));
        }
    }

    /// Waits for commits under way and gives the consumer back. librdkafka ends a commit that no broker answers after
    /// the session timeout.
    pub(super) fn stop(self) {
        drop(self.positions);
        if self.thread.join().is_err() {
            tracing::error!(backend = super::BACKEND, "the thread that commits positions panicked");
        }
    }
}

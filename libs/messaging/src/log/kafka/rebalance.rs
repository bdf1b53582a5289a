//! What librdkafka tells a member, kept until its thread comes to it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    ClientContext, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
    types::RDKafkaRespErr,
};

use super::heard::Quiet;

/// Something that the member's thread must act on.
pub(super) enum Change {
    /// The group's leader gave these partitions to this member. Nothing is read before `assign` is called.
    Assigned(TopicPartitionList),
    /// They are wanted back. The group waits until `unassign` is called.
    Revoked,
    /// A commit was answered.
    Committed(KafkaResult<()>),
}

/// librdkafka's rebalance protocol allows to answer later than in its callback. That is used: the callback only takes
/// note, so that the main queue is polled on while partitions are given back or positions are looked up.
#[derive(Default)]
pub(super) struct Rebalances {
    quiet: Quiet,
    changes: Mutex<VecDeque<Change>>,
    ends: Mutex<HashMap<(String, i32), i64>>,
    /// The consumer is being dropped and nobody takes changes any more.
    closing: AtomicBool,
}

impl Rebalances {
    pub(super) fn new(quiet: Quiet) -> Self {
        Self { quiet, ..Self::default() }
    }

    pub(super) fn take(&self) -> Option<Change> {
        self.changes().pop_front()
    }

    /// Ends of partitions as of the last statistics.
    pub(super) fn take_ends(&self) -> HashMap<(String, i32), i64> {
        std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes the result of a commit for the member's thread.
    pub(super) fn note_committed(&self, result: KafkaResult<()>) {
        self.changes().push_back(Change::Committed(result));
    }

    /// From now on revocations are obeyed in the callback.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn changes(&self) -> MutexGuard<'_, VecDeque<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, partitions) in statistics.topics {
            for (number, partition) in partitions.partitions {
                // The last stable offset: what follows belongs to open transactions and cannot be read.
                let end = if partition.ls_offset >= 0 { partition.ls_offset } else { partition.hi_offset };
                if end >= 0 {
                    ends.insert((topic.clone(), number), end);
                }
            }
        }
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Acquire) {
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "giving partitions back while leaving");
            }
            return;
        }
        self.changes().push_back(match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assigned(list.clone()),
            _ => Change::Revoked,
        });
    }
}

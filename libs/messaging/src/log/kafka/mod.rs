//! The log on Apache Kafka.
//!
//! Three kinds of librdkafka clients: one idempotent producer ([`producer`]), one consumer with a thread of its own for
//! each membership ([`member`]), and short-lived clients for questions ([`topics`]) and reading without a group
//! ([`reader`]). Everything in librdkafka that blocks runs on threads that may block.

mod client;
mod committer;
mod config;
mod heard;
mod member;
mod membership;
mod partition;
mod positions;
mod producer;
mod reader;
mod rebalance;
mod record;
mod retention;
mod security;
mod topics;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;

pub use config::KafkaConfig;
pub use security::{KafkaMechanism, KafkaProtocol, KafkaSecurity};

use self::{
    client::Cluster, member::Control, membership::KafkaMembership, producer::Producer, reader::KafkaReader,
};
use super::{
    Append, AppliedTopics, From, Log, LogError, Membership, Position, Reader, TopicSettings, TopicState,
};
use crate::availability::Availability;

/// As in [`Log::backend`].
const BACKEND: &str = "kafka";
/// How long a broker may take to answer [`Log::ping`].
const PING_LIMIT: Duration = Duration::from_secs(2);
/// How long [`Log::committed`] waits for commits of this process that are under way.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// A Kafka cluster as a [`Log`].
pub struct KafkaLog {
    cluster: Cluster,
    producer: Producer,
    /// Members that may still be there.
    members: Mutex<Vec<Arc<Control>>>,
    availability: Availability,
    closed: AtomicBool,
}

impl KafkaLog {
    /// Checks the configuration and reads its secret files; connects when it is used first, so that a cluster that is
    /// away does not keep the service from starting.
    ///
    /// # Errors
    /// [`LogError::Invalid`] names the key that cannot be.
    pub fn new(config: KafkaConfig) -> Result<Self, LogError> {
        let cluster = Cluster::new(config)?;
        Ok(Self {
            producer: Producer::new(cluster.clone()),
            cluster,
            members: Mutex::default(),
            availability: Availability::new(BACKEND),
            closed: AtomicBool::new(false),
        })
    }

    fn check_open(&self) -> Result<(), LogError> {
        if self.closed.load(Ordering::Acquire) { Err(LogError::Closed) } else { Ok(()) }
    }

    /// Members that have not ended, of one group or of all.
    fn live_members(&self, group: Option<&str>) -> Vec<Arc<Control>> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| !member.has_ended());
        members.iter().filter(|member| group.is_none_or(|group| group == member.group)).cloned().collect()
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    async fn apply_topics(&self, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError> {
        self.check_open()?;
        topics::apply(&self.cluster, topics).await.map_err(|error| self.cluster.explain(error))
    }

    async fn topics(&self) -> Result<Vec<TopicState>, LogError> {
        self.check_open()?;
        topics::states(&self.cluster).await.map_err(|error| self.cluster.explain(error))
    }

    async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>> {
        if self.check_open().is_err() {
            return records.iter().map(|_| Err(LogError::Closed)).collect();
        }
        let results = self.producer.append(records).await;
        results.into_iter().map(|result| result.map_err(|error| self.cluster.explain(error))).collect()
    }

    async fn subscribe(&self, group: &str, topics: &[String]) -> Result<Box<dyn Membership>, LogError> {
        self.check_open()?;
        if group.is_empty() || topics.is_empty() {
            return Err(LogError::Invalid("a membership needs a group and at least one topic".to_owned()));
        }
        topics::require(&self.cluster, topics).await.map_err(|error| self.cluster.explain(error))?;
        let joined = KafkaMembership::join(self.cluster.clone(), group.to_owned(), topics.to_vec()).await?;
        let (membership, control) = joined;
        self.members.lock().unwrap_or_else(PoisonError::into_inner).push(control);
        Ok(Box::new(membership))
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, LogError> {
        self.check_open()?;
        let flushes: Vec<_> = self.live_members(Some(group)).iter().map(|member| member.flush()).collect();
        // Late or not, the brokers' answer counts.
        let _ = tokio::time::timeout(FLUSH_LIMIT, join_all(flushes)).await;
        topics::positions(&self.cluster, group, topic).await.map_err(|error| self.cluster.explain(error))
    }

    async fn read(&self, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, LogError> {
        self.check_open()?;
        let reader = KafkaReader::open(&self.cluster, topic, partition, from).await;
        Ok(Box::new(reader.map_err(|error| self.cluster.explain(error))?))
    }

    async fn ping(&self) -> Result<(), LogError> {
        self.check_open()?;
        self.producer.ping(PING_LIMIT).await.map_err(|error| self.cluster.explain(error))
    }

    async fn available(&self) -> Result<(), String> {
        self.availability.look(self.ping()).await
    }

    async fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let members = self.live_members(None);
        members.iter().for_each(|member| member.stop());
        let limit = self.cluster.config.revoke_timeout() + FLUSH_LIMIT;
        join_all(members.iter().map(|member| member.ended(limit))).await;
        self.producer.close().await;
    }
}

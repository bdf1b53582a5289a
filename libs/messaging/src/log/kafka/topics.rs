//! Topics: what there are, and making them.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminOptions, NewPartitions, NewTopic, TopicReplication, TopicResult},
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
};
use tokio::{task::spawn_blocking, time::Instant};

use super::{
    super::{AppliedTopics, KeptRange, LogError, TopicSettings, TopicState},
    client::{Cluster, failed, failure, unavailable},
    heard::Quiet,
    positions::{committed, offsets},
    retention,
};

/// How long one question to the brokers may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a new topic may take until every broker tells of it.
const VISIBLE_LIMIT: Duration = Duration::from_secs(15);
/// Pause between two looks.
const VISIBLE_PAUSE: Duration = Duration::from_millis(100);
/// How often the ranges of all topics are asked for before it counts as failed.
const STATE_TRIES: u32 = 5;
/// Kafka's own topics begin like this.
const INTERNAL: &str = "__";

/// See [`super::super::Log::apply_topics`].
pub(super) async fn apply(cluster: &Cluster, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError> {
    topics.iter().try_for_each(check)?;
    let existing = counts(cluster).await?;
    let mut applied = AppliedTopics::default();
    let there: Vec<&TopicSettings> =
        topics.iter().filter(|topic| existing.contains_key(&topic.name)).collect();
    for topic in topics {
        match existing.get(&topic.name) {
            None => {
                if create(cluster, topic).await? {
                    applied.created.push(topic.name.clone());
                }
            }
            Some(count) if *count < topic.partitions as usize => {
                widen(cluster, topic).await?;
                applied.widened.push(topic.name.clone());
            }
            Some(_) => {}
        }
    }
    if applied != AppliedTopics::default() {
        until_visible(cluster, topics).await?;
    }
    applied.retention_changed = retention::apply(cluster, &there).await?;
    Ok(applied)
}

fn check(topic: &TopicSettings) -> Result<(), LogError> {
    let name = &topic.name;
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 249 || name == "." || name == ".." || !name.bytes().all(is_legal) {
        return Err(LogError::Invalid(format!(
            "{name:?} is not a topic name: use letters, digits, '.', '_' and '-', at most 249 characters"
        )));
    }
    if topic.partitions == 0 || topic.partitions > 10_000 {
        return Err(LogError::Invalid(format!(
            "topic {name}: {} partitions; choose from 1 to 10000",
            topic.partitions
        )));
    }
    Ok(())
}

/// True if it did not exist.
async fn create(cluster: &Cluster, topic: &TopicSettings) -> Result<bool, LogError> {
    // -1 lets the brokers choose; those before 2.4 do not know it.
    let wanted = cluster.config.replication_factor.unwrap_or(-1);
    match try_create(cluster, topic, wanted).await? {
        Err(RDKafkaErrorCode::InvalidReplicationFactor) if wanted == -1 => {
            done(try_create(cluster, topic, 1).await?, &topic.name)
        }
        result => done(result, &topic.name),
    }
}

fn done(result: Result<(), RDKafkaErrorCode>, topic: &str) -> Result<bool, LogError> {
    match result {
        Ok(()) => Ok(true),
        // Another process was faster.
        Err(RDKafkaErrorCode::TopicAlreadyExists) => Ok(false),
        Err(code) => Err(failed(code, topic)),
    }
}

async fn try_create(
    cluster: &Cluster,
    topic: &TopicSettings,
    replication: i32,
) -> Result<Result<(), RDKafkaErrorCode>, LogError> {
    let retention = retention::wanted(topic);
    // Below the limit that `check` knows.
    let partitions = topic.partitions as i32;
    let new = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(replication));
    let new = retention.iter().fold(new, |new, (key, value)| new.set(key, value));
    let admin = cluster.admin()?;
    let results = admin.create_topics([&new], &options()).await.map_err(unavailable)?;
    drop_elsewhere(admin);
    Ok(outcome(results))
}

async fn widen(cluster: &Cluster, topic: &TopicSettings) -> Result<(), LogError> {
    let admin = cluster.admin()?;
    let new = NewPartitions::new(&topic.name, topic.partitions as usize);
    let results = admin.create_partitions([&new], &options()).await.map_err(unavailable)?;
    drop_elsewhere(admin);
    outcome(results).map_err(|code| failed(code, &topic.name))
}

fn outcome(results: Vec<TopicResult>) -> Result<(), RDKafkaErrorCode> {
    results.into_iter().try_for_each(|result| result.map(drop).map_err(|(_, code)| code))
}

pub(super) fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT))
}

/// Dropping a client waits for its threads, which must not be done on a runtime's thread.
pub(super) fn drop_elsewhere<T: Send + 'static>(client: T) {
    spawn_blocking(move || drop(client));
}

/// Brokers learn of a new topic one after the other; until then records for it would be refused.
async fn until_visible(cluster: &Cluster, topics: &[TopicSettings]) -> Result<(), LogError> {
    let deadline = Instant::now() + VISIBLE_LIMIT;
    loop {
        let counts = counts(cluster).await?;
        let is_visible = |topic: &TopicSettings| {
            counts.get(&topic.name).is_some_and(|count| *count >= topic.partitions as usize)
        };
        if topics.iter().all(is_visible) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(unavailable("new topics have no leader yet"));
        }
        tokio::time::sleep(VISIBLE_PAUSE).await;
    }
}

/// Partitions that have a leader, by topic.
async fn counts(cluster: &Cluster) -> Result<BTreeMap<String, usize>, LogError> {
    ask(cluster, "", counts_of).await
}

fn counts_of(observer: &BaseConsumer<Quiet>) -> Result<BTreeMap<String, usize>, LogError> {
    let metadata = observer.fetch_metadata(None, LIMIT).map_err(unavailable)?;
    let mut counts = BTreeMap::new();
    for topic in metadata.topics().iter().filter(|topic| topic.error().is_none()) {
        if !topic.name().starts_with(INTERNAL) {
            let led = topic.partitions().iter().filter(|partition| partition.leader() >= 0).count();
            counts.insert(topic.name().to_owned(), led);
        }
    }
    Ok(counts)
}

/// See [`super::super::Log::topics`].
pub(super) async fn states(cluster: &Cluster) -> Result<Vec<TopicState>, LogError> {
    let mut tries_left = STATE_TRIES;
    loop {
        tries_left -= 1;
        // A topic that is being created or deleted has partitions without a leader for a moment.
        match ask(cluster, "", states_of).await {
            Err(error) if error.is_transient() && tries_left > 0 => tokio::time::sleep(VISIBLE_PAUSE).await,
            states => return states,
        }
    }
}

fn states_of(observer: &BaseConsumer<Quiet>) -> Result<Vec<TopicState>, LogError> {
    let counts = counts_of(observer)?;
    let mut list = TopicPartitionList::new();
    for (topic, count) in &counts {
        list.add_partition_range(topic, 0, *count as i32 - 1);
    }
    if list.count() == 0 {
        return Ok(Vec::new());
    }
    let starts = offsets(observer, &list, Offset::Beginning).map_err(unavailable)?;
    let ends = offsets(observer, &list, Offset::End).map_err(unavailable)?;
    let range = |topic: &str, number: usize| {
        let at = (topic.to_owned(), number as i32);
        let start = starts.get(&at).copied().unwrap_or(0);
        KeptRange { start, end: ends.get(&at).copied().unwrap_or(start) }
    };
    let state = |(name, count): (String, usize)| {
        let partitions = (0..count).map(|number| range(&name, number)).collect();
        TopicState { name, partitions }
    };
    Ok(counts.into_iter().map(state).collect())
}

/// Fails with the name of the first topic that does not exist.
pub(super) async fn require(cluster: &Cluster, topics: &[String]) -> Result<(), LogError> {
    let counts = counts(cluster).await?;
    match topics.iter().find(|topic| !counts.contains_key(*topic)) {
        Some(unknown) => Err(LogError::UnknownTopic(unknown.clone())),
        None => Ok(()),
    }
}

/// See [`super::super::Log::committed`].
pub(super) async fn positions(
    cluster: &Cluster,
    group: &str,
    topic: &str,
) -> Result<Vec<(i32, i64)>, LogError> {
    let topic = topic.to_owned();
    ask(cluster, group, move |observer| {
        let count = counts_of(observer)?.get(&topic).copied();
        let count = count.ok_or_else(|| LogError::UnknownTopic(topic.clone()))?;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&topic, 0, count as i32 - 1);
        let found = committed(observer, &list).map_err(|error| failure(&error, &topic))?;
        let mut positions: Vec<(i32, i64)> =
            found.into_iter().map(|((_, number), next)| (number, next)).collect();
        positions.sort_unstable();
        Ok(positions)
    })
    .await
}

/// Asks with a client of its own, which lives for the question only. librdkafka's questions block.
async fn ask<T: Send + 'static>(
    cluster: &Cluster,
    group: &str,
    question: impl FnOnce(&BaseConsumer<Quiet>) -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    let cluster = cluster.clone();
    // librdkafka wants a name even where no group is meant.
    let group =
        if group.is_empty() { format!("{}-reader", cluster.config.client_id) } else { group.to_owned() };
    spawn_blocking(move || question(&cluster.observer(&group)?)).await.map_err(unavailable)?
}

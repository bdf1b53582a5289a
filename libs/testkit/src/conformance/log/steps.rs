//! Steps that the log's cases share.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use septet_contract::Record;
use septet_messaging::log::{
    Append, Assignment, Fetched, Log, LogError, Membership, Partition, Position, SharedLog, TopicSettings,
};

use crate::{Deadline, conformance::unique, within};

/// A topic that keeps everything.
pub fn settings(name: &str, partitions: u32) -> TopicSettings {
    TopicSettings {
        name: name.to_owned(),
        partitions,
        retention: Duration::from_secs(24 * 3600),
        retention_bytes: None,
    }
}

/// Creates a topic of its own for a case, and gives its name.
pub async fn topic(log: &dyn Log, partitions: u32) -> String {
    let name = unique("topic");
    log.apply_topics(&[settings(&name, partitions)]).await.expect("the topic is created");
    name
}

/// A record with a text key and value.
pub fn record(key: &str, value: impl Into<String>) -> Record {
    Record {
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: Some(Bytes::from(value.into())),
        ..Record::default()
    }
}

/// A record on its way into `topic`.
pub fn into(topic: &str, record: Record) -> Append {
    Append { topic: topic.to_owned(), record }
}

/// Appends records, all of which must succeed.
pub async fn append(log: &dyn Log, topic: &str, records: Vec<Record>) -> Vec<Position> {
    let count = records.len();
    let appends = records.into_iter().map(|record| into(topic, record)).collect();
    let results = within(Deadline::SHORT, "append", log.append(appends)).await;
    assert_eq!(results.len(), count, "one result for each record");
    results.into_iter().map(|result| result.expect("the record is appended")).collect()
}

/// The value as text.
pub fn text(fetched: &Fetched) -> String {
    String::from_utf8(fetched.record.value.clone().expect("a value").to_vec()).expect("text")
}

/// A member of a group with the partitions that it has now.
pub struct Member {
    membership: Box<dyn Membership>,
    /// By topic and partition.
    pub partitions: BTreeMap<(String, i32), Box<dyn Partition>>,
}

impl Member {
    /// Joins a group on one topic.
    pub async fn join(log: &SharedLog, group: &str, topic: &str) -> Self {
        let membership = log.subscribe(group, &[topic.to_owned()]).await.expect("the group can be joined");
        Self { membership, partitions: BTreeMap::new() }
    }

    /// The next change of what it reads, obeyed: a revoked partition is dropped and given back.
    pub async fn turn(&mut self) {
        match self.next().await {
            Assignment::Assigned(partition) => self.keep(partition),
            Assignment::Revoked { topic, partition, done } => {
                self.partitions.remove(&(topic, partition));
                // The backend may have stopped to wait, which is its right.
                let _ = done.send(());
            }
        }
    }

    /// The next change of what it reads.
    pub async fn next(&mut self) -> Assignment {
        within(Deadline::LONG, "a change of assignment", async {
            loop {
                match self.membership.next().await {
                    Ok(assignment) => return assignment,
                    Err(error) if error.is_transient() => {}
                    Err(error) => panic!("the membership ended: {error}"),
                }
            }
        })
        .await
    }

    /// Takes an assigned partition in.
    pub fn keep(&mut self, partition: Box<dyn Partition>) {
        let at = (partition.topic().to_owned(), partition.partition());
        assert!(self.partitions.insert(at, partition).is_none(), "assigned twice without a revocation");
    }

    /// Obeys changes until it has this many partitions.
    pub async fn until_it_has(&mut self, count: usize) {
        while self.partitions.len() != count {
            self.turn().await;
        }
    }

    /// The one partition that it has.
    pub fn only(&mut self) -> &mut Box<dyn Partition> {
        assert_eq!(self.partitions.len(), 1, "one partition");
        self.partitions.values_mut().next().expect("one partition")
    }

    /// Gives everything back and leaves.
    pub async fn leave(mut self) {
        self.partitions.clear();
        within(Deadline::LONG, "leaving the group", self.membership.leave()).await;
    }
}

/// A batch; transient errors are tried again.
pub async fn batch(partition: &mut dyn Partition, max: usize) -> Vec<Fetched> {
    within(Deadline::LONG, "a batch", async {
        loop {
            match partition.batch(max).await {
                Ok(batch) => {
                    assert!(!batch.is_empty() && batch.len() <= max, "{} records of {max}", batch.len());
                    return batch;
                }
                Err(error) if error.is_transient() => {}
                Err(error) => panic!("the partition ended: {error}"),
            }
        }
    })
    .await
}

/// Exactly the next `count` records of a partition.
pub async fn fetch(partition: &mut dyn Partition, count: usize) -> Vec<Fetched> {
    let mut fetched = Vec::new();
    while fetched.len() < count {
        fetched.extend(batch(partition, count - fetched.len()).await);
    }
    fetched
}

/// Asserts that it failed as unknown.
pub fn assert_unknown<T>(result: &Result<T, LogError>, topic: &str) {
    match result {
        Err(LogError::UnknownTopic(named)) => assert_eq!(named, topic),
        Err(error) => panic!("expected an unknown topic, got: {error}"),
        Ok(_) => panic!("expected an unknown topic, got success"),
    }
}

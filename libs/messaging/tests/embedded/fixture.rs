//! A log and a queue in a directory of their own.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use septet_contract::Record;
use septet_messaging::{
    log::{
        Append, Log, Position, SharedLog, TopicSettings,
        embedded::{EmbeddedLog, EmbeddedOptions as LogOptions},
    },
    queue::{
        Outgoing, SharedQueue,
        embedded::{EmbeddedOptions as QueueOptions, EmbeddedQueue},
    },
};
use septet_testkit::conformance::{LogFixture, QueueFixture};
use tempfile::TempDir;

pub struct Embedded {
    dir: TempDir,
}

impl Embedded {
    pub fn new() -> Option<Self> {
        Some(Self { dir: TempDir::new().expect("a directory") })
    }
}

#[async_trait]
impl LogFixture for Embedded {
    async fn open(&self) -> SharedLog {
        let options = LogOptions { retention_interval: Duration::from_millis(50), ..LogOptions::default() };
        open_log(self.dir.path(), options).await
    }

    fn record_limit(&self) -> usize {
        8 << 20
    }
}

#[async_trait]
impl QueueFixture for Embedded {
    async fn open(&self) -> SharedQueue {
        open_queue(self.dir.path(), QueueOptions::default()).await
    }

    fn job_limit(&self) -> usize {
        8 << 20
    }
}

pub async fn open_log(dir: &Path, options: LogOptions) -> SharedLog {
    EmbeddedLog::open(dir, options).await.expect("the log opens")
}

pub async fn open_queue(dir: &Path, options: QueueOptions) -> SharedQueue {
    EmbeddedQueue::open(dir, options).await.expect("the queue opens")
}

pub async fn create(log: &dyn Log, name: &str, partitions: u32) {
    let retention = Duration::from_secs(3600);
    let topic = TopicSettings { name: name.to_owned(), partitions, retention, retention_bytes: None };
    log.apply_topics(&[topic]).await.expect("the topic is created");
}

pub fn record(key: &str, value: &str) -> Record {
    let bytes = |text: &str| Some(Bytes::copy_from_slice(text.as_bytes()));
    Record { key: bytes(key), value: bytes(value), ..Record::default() }
}

pub async fn append(log: &dyn Log, topic: &str, records: Vec<Record>) -> Vec<Position> {
    let appends = records.into_iter().map(|record| Append { topic: topic.to_owned(), record }).collect();
    log.append(appends).await.into_iter().map(|result| result.expect("appended")).collect()
}

pub fn job(queue: &str, value: &str) -> Outgoing {
    Outgoing { queue: queue.to_owned(), record: record("", value), delay: Duration::ZERO }
}

pub fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().expect("a value").to_vec()).expect("text")
}

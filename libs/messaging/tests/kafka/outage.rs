use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use septet_contract::Record;
use septet_messaging::log::{
    Append, Assignment, Partition, SharedLog, TopicSettings,
    kafka::{KafkaConfig, KafkaLog},
};
use septet_servers::{Life, Server};
use septet_testkit::{Deadline, eventually, evidence::Workspace, within};

use super::own;

/// How long the log may take to work again once the broker answers.
const RECOVERY: Duration = Duration::from_secs(15);
const KEYS: u32 = 8;

fn record(number: u32) -> Append {
    let record = Record {
        key: Some(Bytes::from((number % KEYS).to_string())),
        value: Some(Bytes::from(number.to_string())),
        ..Record::default()
    };
    Append { topic: "facts".to_owned(), record }
}

/// Appends all numbers in their order, each until it is confirmed, as the relay does.
async fn append_all(log: SharedLog, count: u32) {
    let mut waiting: Vec<u32> = (0..count).collect();
    while !waiting.is_empty() {
        let some = waiting.len().min(50);
        let results = log.append(waiting[..some].iter().map(|number| record(*number)).collect()).await;
        let mut failed = Vec::new();
        for (number, result) in waiting[..some].iter().zip(results) {
            if let Err(error) = result {
                assert!(error.is_transient(), "{error}");
                failed.push(*number);
            }
        }
        failed.extend_from_slice(&waiting[some..]);
        waiting = failed;
    }
}

async fn assigned(log: &SharedLog) -> (Box<dyn septet_messaging::log::Membership>, Box<dyn Partition>) {
    let mut membership = log.subscribe("readers", &["facts".to_owned()]).await.expect("joined");
    match within(Deadline::LONG, "an assignment", membership.next()).await.expect("an assignment") {
        Assignment::Assigned(partition) => (membership, partition),
        Assignment::Revoked { .. } => panic!("nothing was assigned"),
    }
}

/// What a reader has seen: numbers by key, in their order.
#[derive(Default)]
struct Seen(BTreeMap<u32, Vec<u32>>);

impl Seen {
    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Reads one batch and commits it. A number that comes again, as after a lost answer, may not come after later ones of
    /// its key have been left out.
    async fn read(&mut self, partition: &mut dyn Partition) {
        let batch = match within(Deadline::LONG, "a batch", partition.batch(64)).await {
            Ok(batch) => batch,
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                return tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        for fetched in &batch {
            let value = fetched.record.value.as_deref().expect("a value");
            let number: u32 = std::str::from_utf8(value).expect("text").parse().expect("a number");
            let of_key = self.0.entry(number % KEYS).or_default();
            let expected = of_key.last().map_or(number % KEYS, |last| last + KEYS);
            if number >= expected {
                assert_eq!(number, expected, "a record of the key is missing before this one");
                of_key.push(number);
            }
        }
        if let Some(last) = batch.last() {
            partition.commit(last.offset + 1).await.expect("it is still ours");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_members_outlive_a_broker_that_is_killed() {
    let workspace = Workspace::new("kafka_outage");
    let Some(mut server) = own::start(own::new(workspace.path())).await else { return };
    let config = KafkaConfig { brokers: server.url(), ..KafkaConfig::default() };
    let log: SharedLog = Arc::new(KafkaLog::new(config).expect("a configuration that can be"));
    let topic = TopicSettings {
        name: "facts".to_owned(),
        partitions: 1,
        retention: Duration::from_secs(3600),
        retention_bytes: None,
    };
    log.apply_topics(&[topic]).await.expect("applied");
    let (membership, mut partition) = assigned(&log).await;
    const COUNT: u32 = 40_000;
    let appending = tokio::spawn(append_all(log.clone(), COUNT));
    let mut seen = Seen::default();
    for round in 1..=2 {
        let enough = seen.count() + 2_000 * round;
        while seen.count() < enough {
            seen.read(&mut *partition).await;
        }
        let (killed, outcome) = own::order(server, Server::kill).await;
        outcome.expect("killed");
        eventually("the loss to be told", async || log.available().await.err()).await;
        // What was fetched before is read out.
        while let Ok(()) = tokio::time::timeout(Duration::from_secs(2), seen.read(&mut *partition)).await {}
        let (started, outcome) = own::order(killed, |server| server.start(Life::WithParent)).await;
        outcome.expect("it starts again");
        server = started;
        let (back, before) = (Instant::now(), seen.count());
        while seen.count() == before {
            seen.read(&mut *partition).await;
        }
        assert!(back.elapsed() < RECOVERY, "records came again after {:?}", back.elapsed());
        eventually("the return to be told", async || log.available().await.ok()).await;
    }
    while seen.count() < COUNT as usize {
        seen.read(&mut *partition).await;
    }
    within(Deadline::LONG, "everything to be appended", appending).await.expect("everything is appended");
    drop(partition);
    within(Deadline::LONG, "leaving", membership.leave()).await;
    log.close().await;
    drop(server);
}

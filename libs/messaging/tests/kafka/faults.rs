use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use septet_contract::Record;
use septet_messaging::log::{
    Append, Assignment, Fetched, LogError, Partition, SharedLog, kafka::KafkaConfig,
};
use septet_testkit::{Deadline, conformance::unique, eventually, within};

use super::cluster::{KafkaFixture, Mock};

struct Cluster {
    fixture: KafkaFixture,
    mock: Mock,
    topic: String,
}

/// A mock cluster with a topic of one partition.
fn cluster() -> Cluster {
    let mock = Mock::start(1);
    let topic = unique("topic");
    mock.create(&topic, 1);
    Cluster { fixture: KafkaFixture::Mock(mock.clone()), mock, topic }
}

fn record(topic: &str, value: impl Into<String>) -> Append {
    let record = Record {
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::from(value.into())),
        ..Record::default()
    };
    Append { topic: topic.to_owned(), record }
}

fn text(fetched: &Fetched) -> String {
    String::from_utf8(fetched.record.value.clone().expect("a value").to_vec()).expect("text")
}

async fn assigned(
    log: &SharedLog,
    topic: &str,
) -> (Box<dyn septet_messaging::log::Membership>, Box<dyn Partition>) {
    let mut membership = log.subscribe(&unique("group"), &[topic.to_owned()]).await.expect("joined");
    match within(Deadline::LONG, "an assignment", membership.next()).await.expect("an assignment") {
        Assignment::Assigned(partition) => (membership, partition),
        Assignment::Revoked { .. } => panic!("nothing was assigned"),
    }
}

async fn values(partition: &mut dyn Partition, count: usize) -> Vec<String> {
    let mut values = Vec::new();
    while values.len() < count {
        match within(Deadline::LONG, "a batch", partition.batch(100)).await {
            Ok(batch) => values.extend(batch.iter().map(text)),
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    values
}

/// Requests that fail for a while cost time, not records, nor their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transient_errors_lose_and_double_nothing() {
    let Cluster { fixture, mock, topic } = cluster();
    let log = fixture.log(fixture.config());
    let (membership, mut partition) = assigned(&log, &topic).await;
    mock.fail(
        RDKafkaApiKey::Produce,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        ],
    );
    mock.fail(
        RDKafkaApiKey::Fetch,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    );
    mock.fail(RDKafkaApiKey::OffsetCommit, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE]);
    mock.fail(RDKafkaApiKey::Heartbeat, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE]);
    let expected: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let appended = log.append(expected.iter().map(|value| record(&topic, value)).collect()).await;
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
    assert_eq!(values(&mut *partition, 50).await, expected);
    partition.commit(50).await.expect("it is still ours");
    drop(partition);
    within(Deadline::LONG, "leaving", membership.leave()).await;
    log.close().await;
}

/// A permanent error of a broker fails what follows of the key as well, and the next call works with a new producer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permanent_error_lets_nothing_overtake() {
    let Cluster { fixture, mock, topic } = cluster();
    let mut config = fixture.config();
    // Many requests, of which the first one fails while others are under way.
    config.extra.insert("batch.num.messages".to_owned(), "10".to_owned());
    let log = fixture.log(config);
    mock.fail(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_POLICY_VIOLATION]);
    let results = log.append((0..200).map(|n| record(&topic, n.to_string())).collect()).await;
    assert!(results[0].is_err(), "the first request failed");
    let first_error = results.iter().position(Result::is_err).expect("an error");
    assert!(results[first_error..].iter().all(Result::is_err), "nothing overtakes");
    assert!(
        results.iter().all(|result| !matches!(result, Err(error) if !error.is_transient())),
        "all can be repeated"
    );
    let repeated = log.append((0..200).map(|n| record(&topic, n.to_string())).collect()).await;
    assert!(
        repeated.iter().all(Result::is_ok),
        "a new producer works: {:?}",
        repeated.iter().find(|r| r.is_err())
    );
    log.close().await;
}

/// Brokers that are away make `append` fail in its time, and nothing that was pending comes late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_brokers_are_told_in_time() {
    let Cluster { fixture, mock, topic } = cluster();
    let log = fixture.log(KafkaConfig { append_timeout_ms: 1500, ..fixture.config() });
    let results = log.append(vec![record(&topic, "before")]).await;
    assert!(results[0].is_ok(), "{results:?}");
    mock.order(|cluster| cluster.broker_down(-1).expect("down"));
    let start = Instant::now();
    let results = log.append(vec![record(&topic, "lost"), record(&topic, "lost too")]).await;
    assert!(results.iter().all(|result| matches!(result, Err(LogError::Unavailable { .. }))), "{results:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
    assert!(matches!(log.ping().await, Err(LogError::Unavailable { .. })), "ping");
    mock.order(|cluster| cluster.broker_up(-1).expect("up"));
    eventually("a broker", async || log.ping().await.is_ok().then_some(())).await;
    let results = within(Deadline::LONG, "a record to be appended", async {
        loop {
            let results = log.append(vec![record(&topic, "after")]).await;
            if results[0].is_ok() {
                return results;
            }
        }
    })
    .await;
    assert_eq!(results[0].as_ref().expect("appended").offset, 1, "nothing came late");
    log.close().await;
}

//! Topics as an outside client sees them. All of it blocks.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    message::{BorrowedMessage, Headers, Message},
};

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long no record may come while some are still to come.
const SILENCE: Duration = Duration::from_secs(60);

/// Gives every record of a topic as it stands now, in the order of each partition.
///
/// # Panics
/// If the brokers do not answer.
pub fn read(brokers: &str, topic: &str, mut each: impl FnMut(&BorrowedMessage<'_>)) {
    let consumer = consumer(brokers, "checker");
    let mut all = TopicPartitionList::new();
    for partition in partitions(&consumer, topic).expect("the topic's partitions") {
        all.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
    }
    assert!(all.count() > 0, "the topic {topic} is not there");
    consumer.assign(&all).expect("partitions are assigned");
    let (mut open, mut heard) = (all.count(), Instant::now());
    while open > 0 {
        match consumer.poll(Duration::from_secs(1)) {
            Some(Ok(message)) => each(&message),
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(_)) | None => {
                assert!(heard.elapsed() < SILENCE, "waited {SILENCE:?} in vain for the rest of {topic}");
                continue;
            }
        }
        heard = Instant::now();
    }
}

/// Records of these topics that a group has not done.
///
/// # Errors
/// What the brokers say, or that they say nothing.
pub fn lag(brokers: &str, group: &str, topics: &[&str]) -> KafkaResult<i64> {
    let consumer = consumer(brokers, group);
    let mut all = TopicPartitionList::new();
    for topic in topics {
        for partition in partitions(&consumer, topic)? {
            all.add_partition(topic, partition);
        }
    }
    let mut lag = 0;
    for at in consumer.committed_offsets(all, ANSWER)?.elements() {
        let (low, high) = consumer.fetch_watermarks(at.topic(), at.partition(), ANSWER)?;
        let done = match at.offset() {
            Offset::Offset(next) => next,
            _ => low,
        };
        lag += high - done;
    }
    Ok(lag)
}

/// A header's text; empty where it is absent.
pub fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> &'a str {
    let mut headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let found = headers.find(|header| header.key == name).and_then(|header| header.value);
    found.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> KafkaResult<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
    Ok(metadata
        .topics()
        .iter()
        .flat_map(|topic| topic.partitions())
        .map(|partition| partition.id())
        .collect())
}

fn consumer(brokers: &str, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "false")
        .create()
        .expect("a consumer")
}

//! Bare librdkafka clients, with the settings of Septet's own.

use std::time::Duration;

use anyhow::{bail, ensure};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    config::FromClientConfig as _,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _, ThreadedProducer},
};
use septet_contract::Record;

use super::servers::Servers;

pub type Producer<C> = ThreadedProducer<C>;

/// Settings of a producer. Its linger is librdkafka's default, 5 ms.
pub fn producer_config(servers: &Servers) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &servers.brokers)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("compression.type", "lz4");
    config
}

/// A consumer that reads the partitions of a topic from these offsets on.
pub fn consumer(servers: &Servers, topic: &str, from: &[i64]) -> anyhow::Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &servers.brokers)
        .set("group.id", "bench-bare")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed");
    let consumer = BaseConsumer::from_config(&config)?;
    let mut assignment = TopicPartitionList::new();
    for (partition, offset) in (0..).zip(from) {
        assignment.add_partition_offset(topic, partition, Offset::Offset(*offset))?;
    }
    consumer.assign(&assignment)?;
    Ok(consumer)
}

/// Hands a record to the producer; waits where its queue is full.
pub fn send<C: rdkafka::producer::ProducerContext<DeliveryOpaque = Box<usize>>>(
    producer: &Producer<C>,
    topic: &str,
    record: &Record,
    opaque: usize,
) -> anyhow::Result<()> {
    let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
    for header in &record.headers {
        headers =
            headers.insert(Header { key: std::str::from_utf8(&header.key)?, value: header.value.as_deref() });
    }
    let mut to_send = BaseRecord::with_opaque_to(topic, Box::new(opaque)).headers(headers);
    to_send.key = record.key.as_deref();
    to_send.payload = record.value.as_deref();
    loop {
        match producer.send(to_send) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                to_send = again;
                producer.poll(Duration::from_millis(1));
            }
            Err((error, _)) => bail!(error),
        }
    }
}

/// Waits until everything is confirmed.
pub fn flush<C: rdkafka::producer::ProducerContext>(producer: &Producer<C>) -> anyhow::Result<()> {
    producer.flush(Duration::from_secs(60))?;
    ensure!(producer.in_flight_count() == 0, "the broker did not confirm everything within a minute");
    Ok(())
}

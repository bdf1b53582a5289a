//! Reading one partition without a group.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::task::spawn_blocking;

use super::{
    super::{Fetched, From, LogError, Reader},
    client::{Cluster, failure, unavailable},
    heard::Quiet,
    record::decode,
};

/// How long one question to the brokers may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);
/// Bytes of values that one batch holds at most.
const BATCH_BYTES: usize = 8 << 20;

pub(super) struct KafkaReader {
    topic: String,
    partition: i32,
    /// Next offset to hand out.
    next: i64,
    /// `None` only while it is dropped.
    consumer: Option<Arc<StreamConsumer<Quiet>>>,
}

impl KafkaReader {
    /// Finds the first offset and starts to read there.
    pub(super) async fn open(
        cluster: &Cluster,
        topic: &str,
        partition: i32,
        from: From,
    ) -> Result<Self, LogError> {
        let (cluster, topic) = (cluster.clone(), topic.to_owned());
        // The consumer spawns its wake-up task, so it must be made where a runtime is.
        let consumer = Arc::new(cluster.reader()?);
        let mut reader = Self { topic, partition, next: 0, consumer: Some(consumer.clone()) };
        let topic = reader.topic.clone();
        let start = spawn_blocking(move || assign(&consumer, &topic, partition, from));
        reader.next = start.await.map_err(unavailable)??;
        Ok(reader)
    }

    /// Goes on at the first kept record, since the next one is not kept any more.
    async fn skip_lost(&mut self) -> Result<(), LogError> {
        let Some(consumer) = self.consumer.clone() else { return Err(LogError::Closed) };
        let (topic, partition, next) = (self.topic.clone(), self.partition, self.next);
        let start = spawn_blocking(move || assign(&consumer, &topic, partition, From::Offset(next)));
        let start = start.await.map_err(unavailable)??;
        tracing::warn!(
            topic = self.topic,
            partition,
            lost = start - next,
            "records were dropped by retention before they were read"
        );
        self.next = start;
        Ok(())
    }
}

/// Starts to read at an offset, which is returned.
fn assign(
    consumer: &StreamConsumer<Quiet>,
    topic: &str,
    partition: i32,
    from: From,
) -> Result<i64, LogError> {
    let fail = |error: KafkaError| failure(&error, topic);
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).map_err(fail)?;
    let count = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    let count = count.map(|found| found.partitions().len()).filter(|count| *count > 0);
    let count = count.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?;
    if usize::try_from(partition).map_or(true, |partition| partition >= count) {
        return Err(LogError::Invalid(format!("topic {topic} has no partition {partition}, only {count}")));
    }
    let (low, end) = consumer.fetch_watermarks(topic, partition, LIMIT).map_err(fail)?;
    let wanted = match from {
        From::Start => low,
        From::End => end,
        From::Offset(offset) => offset.max(low),
        From::Time(time) => {
            let mut question = TopicPartitionList::new();
            // Kafka keeps milliseconds; round up, as nothing earlier is wanted.
            let millis = time.micros().max(0).saturating_add(999) / 1000;
            question.add_partition_offset(topic, partition, Offset::Offset(millis)).map_err(fail)?;
            let answer = consumer.offsets_for_times(question, LIMIT).map_err(fail)?;
            match answer.find_partition(topic, partition).map(|found| found.offset()) {
                Some(Offset::Offset(offset)) => offset.max(low),
                // None so late yet.
                _ => end,
            }
        }
    };
    let mut assignment = TopicPartitionList::new();
    // Kafka refuses an offset past the end; what is there until the wanted one comes is left out in `batch`.
    assignment.add_partition_offset(topic, partition, Offset::Offset(wanted.min(end))).map_err(fail)?;
    consumer.assign(&assignment).map_err(fail)?;
    Ok(wanted)
}

#[async_trait]
impl Reader for KafkaReader {
    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        loop {
            let Some(consumer) = &self.consumer else { return Err(LogError::Closed) };
            let (mut batch, mut bytes) = (Vec::new(), 0);
            let mut stream = consumer.stream();
            // Only the first is awaited, with nothing in hand: dropping this future loses no record.
            let mut next = stream.next().await;
            let trouble = loop {
                match next {
                    Some(Ok(message)) => {
                        let fetched = decode(&message);
                        if fetched.offset >= self.next {
                            self.next = fetched.offset + 1;
                            bytes += fetched.record.size();
                            batch.push(fetched);
                        }
                    }
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
                if batch.len() >= max.max(1) || bytes >= BATCH_BYTES {
                    break None;
                }
                let Some(ready) = stream.next().now_or_never() else { break None };
                next = ready;
            };
            drop(stream);
            match trouble {
                _ if !batch.is_empty() => return Ok(batch),
                None => {}
                Some(error) if is_position_lost(&error) => self.skip_lost().await?,
                Some(error) => return Err(unavailable(error)),
            }
        }
    }
}

fn is_position_lost(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)
    )
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        // Dropping a consumer waits for its threads. Without a runtime there is nobody whom that could block.
        if let (Some(consumer), Ok(runtime)) = (self.consumer.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(consumer));
        }
    }
}

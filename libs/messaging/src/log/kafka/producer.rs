//! Appending with an idempotent producer that is replaced as soon as a delivery fails.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _, PurgeConfig},
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};

use super::{
    super::{Append, LogError, Position},
    client::{Cluster, failed, unavailable},
    heard::Quiet,
    record::encode_headers,
};

/// How long closing waits for what callers no longer await.
const FLUSH_LIMIT: Duration = Duration::from_secs(10);
/// How long asking for a topic may take.
const METADATA_LIMIT: Duration = Duration::from_secs(10);

/// Appends with one producer at a time.
///
/// Order per key rests on this: records that librdkafka has taken are delivered in order or not at all. Therefore a
/// record never times out alone (librdkafka has no clock here, [`Producer::append`] has), a permanent error of a broker
/// is fatal to the producer (`enable.gapless.guarantee`), and after any failed delivery the producer is retired: what
/// it still holds is dropped, so that nothing overtakes the failed record once the caller repeats it.
pub(super) struct Producer {
    cluster: Cluster,
    current: tokio::sync::Mutex<Option<Arc<Generation>>>,
    /// Topics that were seen to exist.
    known: Mutex<HashSet<String>>,
}

/// A producer until a delivery fails.
struct Generation {
    client: FutureProducer<Quiet>,
    /// Held to send, and written to retire, so that nothing is sent past the retirement.
    retired: RwLock<bool>,
}

impl Generation {
    /// Enqueues a record; gives it back where the queue is full.
    fn send(&self, append: &Append) -> Result<Option<DeliveryFuture>, LogError> {
        let retired = self.retired.read().unwrap_or_else(PoisonError::into_inner);
        if *retired {
            return Err(unavailable("an earlier delivery failed"));
        }
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&append.topic);
        record.key = append.record.key.as_deref();
        record.payload = append.record.value.as_deref();
        record.headers = encode_headers(&append.record.headers)?;
        match self.client.send_result(record) {
            Ok(delivery) => Ok(Some(delivery)),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(None),
            Err((KafkaError::MessageProduction(code), _)) => Err(failed(code, &append.topic)),
            Err((error, _)) => Err(unavailable(error)),
        }
    }

    /// Topics that exist. Blocks.
    fn topics(&self) -> Result<HashSet<String>, LogError> {
        let metadata = self.client.client().fetch_metadata(None, METADATA_LIMIT).map_err(unavailable)?;
        let existing = metadata.topics().iter().filter(|topic| topic.error().is_none());
        Ok(existing.map(|topic| topic.name().to_owned()).collect())
    }

    fn retire(&self) {
        *self.retired.write().unwrap_or_else(PoisonError::into_inner) = true;
        self.client.purge(PurgeConfig::default().queue().inflight().non_blocking());
    }
}

/// A record that librdkafka has.
struct Pending {
    index: usize,
    delivery: DeliveryFuture,
}

impl Producer {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, current: tokio::sync::Mutex::new(None), known: Mutex::default() }
    }

    /// See [`super::super::Log::append`].
    pub(super) async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>> {
        let deadline = Instant::now() + self.cluster.config.append_timeout();
        let unknown = match timeout_at(deadline, self.look_up(&records)).await {
            Ok(Ok(unknown)) => unknown,
            Ok(Err(error)) => return all_failed(&records, &error.to_string()),
            Err(_) => return all_failed(&records, "no broker told of the topics in time"),
        };
        let generation = match self.generation().await {
            Ok(generation) => generation,
            Err(error) => return all_failed(&records, &error.to_string()),
        };
        let mut batch = Batch {
            results: records.iter().map(|_| Err(unavailable("not sent"))).collect(),
            pending: VecDeque::new(),
            failed_keys: HashMap::new(),
            broken: false,
        };
        for (index, record) in records.iter().enumerate() {
            let sent = match self.check(record, &unknown) {
                Ok(()) => batch.send(&generation, index, &records, deadline).await,
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                batch.fail(index, record, error);
            }
        }
        while !batch.pending.is_empty() {
            batch.settle_first(&generation, &records, deadline).await;
        }
        if batch.broken || generation.client.client().fatal_error().is_some() {
            self.retire(&generation).await;
        }
        batch.results
    }

    fn check(&self, append: &Append, unknown: &HashSet<String>) -> Result<(), LogError> {
        let (size, limit) = (append.record.size(), self.cluster.config.max_record_bytes);
        if unknown.contains(&append.topic) {
            return Err(LogError::UnknownTopic(append.topic.clone()));
        }
        if size > limit {
            return Err(LogError::TooLarge { size, limit });
        }
        Ok(())
    }

    /// Which of the records' topics do not exist. librdkafka would only find out after half a minute.
    async fn look_up(&self, records: &[Append]) -> Result<HashSet<String>, LogError> {
        let mut unseen: HashSet<String> = HashSet::new();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            unseen.extend(records.iter().filter(|r| !known.contains(&r.topic)).map(|r| r.topic.clone()));
        }
        if unseen.is_empty() {
            return Ok(unseen);
        }
        let generation = self.generation().await?;
        let existing = spawn_blocking(move || generation.topics()).await.map_err(unavailable)??;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(unseen.intersection(&existing).cloned());
        Ok(unseen.difference(&existing).cloned().collect())
    }

    /// The producer to use now. Making one opens no connection yet, but may read certificates.
    async fn generation(&self) -> Result<Arc<Generation>, LogError> {
        let mut current = self.current.lock().await;
        if let Some(generation) = &*current {
            return Ok(generation.clone());
        }
        let cluster = self.cluster.clone();
        let client = spawn_blocking(move || cluster.producer()).await.map_err(unavailable)??;
        let generation = Arc::new(Generation { client, retired: RwLock::new(false) });
        *current = Some(generation.clone());
        Ok(generation)
    }

    async fn retire(&self, generation: &Arc<Generation>) {
        let mut current = self.current.lock().await;
        let Some(old) = current.take_if(|current| Arc::ptr_eq(current, generation)) else { return };
        drop(current);
        tracing::warn!(
            backend = super::BACKEND,
            fatal = old.client.client().fatal_error().map(|(_, reason)| reason),
            "a delivery failed; the producer is replaced"
        );
        // Topics may have gone as well.
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
        old.retire();
        drop_elsewhere(old);
    }

    /// Ok if a broker answers.
    pub(super) async fn ping(&self, limit: Duration) -> Result<(), LogError> {
        let generation = self.generation().await?;
        let asked = spawn_blocking(move || generation.client.client().fetch_metadata(None, limit).map(drop));
        asked.await.map_err(unavailable)?.map_err(unavailable)
    }

    /// Delivers what is queued, within a limit, and ends the producer.
    pub(super) async fn close(&self) {
        let Some(generation) = self.current.lock().await.take() else { return };
        let flushed = spawn_blocking(move || {
            let flushed = generation.client.flush(FLUSH_LIMIT);
            generation.retire();
            flushed
        });
        if let Ok(Err(error)) = flushed.await {
            tracing::warn!(backend = super::BACKEND, %error, "closed with records that were not delivered");
        }
    }
}

/// Dropping a producer waits for its threads, which must not be done on a runtime's thread.
fn drop_elsewhere(generation: Arc<Generation>) {
    spawn_blocking(move || drop(generation));
}

fn all_failed(records: &[Append], reason: &str) -> Vec<Result<Position, LogError>> {
    records.iter().map(|_| Err(unavailable(reason))).collect()
}

/// One call of `append`.
struct Batch {
    results: Vec<Result<Position, LogError>>,
    pending: VecDeque<Pending>,
    /// First failed record by topic and key.
    failed_keys: HashMap<(String, Bytes), usize>,
    /// A delivery failed in a way after which the producer must go.
    broken: bool,
}

impl Batch {
    /// Hands a record to librdkafka. Where its queue is full, waits for the oldest record of this call.
    async fn send(
        &mut self,
        generation: &Generation,
        index: usize,
        records: &[Append],
        deadline: Instant,
    ) -> Result<(), LogError> {
        let record = &records[index];
        loop {
            if self.broken || self.is_held_back(index, record) {
                return Err(unavailable("an earlier record of the call failed"));
            }
            match generation.send(record)? {
                Some(delivery) => {
                    self.pending.push_back(Pending { index, delivery });
                    return Ok(());
                }
                None if self.pending.is_empty() => {
                    // Other calls fill the queue.
                    if Instant::now() >= deadline {
                        return Err(unavailable("the producer's queue is full"));
                    }
                    sleep(Duration::from_millis(5)).await;
                }
                None => self.settle_first(generation, records, deadline).await,
            }
        }
    }

    /// Awaits the oldest delivery.
    async fn settle_first(&mut self, generation: &Generation, records: &[Append], deadline: Instant) {
        let Some(Pending { index, delivery }) = self.pending.pop_front() else { return };
        let record = &records[index];
        let outcome = match timeout_at(deadline, delivery).await {
            Ok(Ok(Ok(delivery))) => Ok(Position { partition: delivery.partition, offset: delivery.offset }),
            Ok(Ok(Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)))) => {
                // The topic's limit is lower than ours and known to the broker alone.
                let size = record.record.size();
                Err(LogError::TooLarge { size, limit: size.saturating_sub(1) })
            }
            Ok(Ok(Err((KafkaError::MessageProduction(code), _)))) => Err(failed(code, &record.topic)),
            Ok(Ok(Err((error, _)))) => Err(unavailable(error)),
            Ok(Err(_)) => Err(unavailable("the producer was replaced")),
            Err(_) => Err(unavailable("no broker confirmed the record in time")),
        };
        match outcome {
            // Its predecessor was confirmed a moment after the deadline; the caller will repeat both.
            Ok(_) if self.is_held_back(index, record) => {
                self.fail(
                    index,
                    record,
                    unavailable("an earlier record of the key was not confirmed in time"),
                );
            }
            Ok(position) => self.results[index] = Ok(position),
            Err(error) => {
                // At once, so that what follows in librdkafka's queue does not go out.
                generation.retire();
                self.broken = true;
                self.fail(index, record, error);
            }
        }
    }

    /// An earlier record of its key failed.
    fn is_held_back(&self, index: usize, append: &Append) -> bool {
        let is_of = |(topic, key): &(String, Bytes)| {
            *topic == append.topic && append.record.key.as_ref() == Some(key)
        };
        self.failed_keys.iter().any(|(key, first)| *first < index && is_of(key))
    }

    fn fail(&mut self, index: usize, record: &Append, error: LogError) {
        if let Some(key) = &record.record.key {
            let first = self.failed_keys.entry((record.topic.clone(), key.clone())).or_insert(index);
            *first = index.min(*first);
        }
        self.results[index] = Err(error);
    }
}

//! How long it takes from sending an event to reading what the service published about it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use prost::Message as _;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Message,
};
use septet_proto_review::v1::ReviewCompleted;

const REVIEWS: &str = "review.review.v1";

/// Reads the service's events as they come.
pub struct Stopwatch {
    arrived: Arc<Mutex<HashMap<String, Vec<Instant>>>>,
    stop: Arc<AtomicBool>,
    reading: Option<JoinHandle<()>>,
}

impl Stopwatch {
    /// Begins at the end of the topic as it is now.
    ///
    /// # Panics
    /// If the brokers do not answer.
    pub fn start(brokers: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "stopwatch")
            .set("fetch.wait.max.ms", "5")
            .create()
            .expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(REVIEWS), Duration::from_secs(10)).expect("metadata");
        let mut all = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            let (_, end) =
                consumer.fetch_watermarks(REVIEWS, partition.id(), Duration::from_secs(10)).expect("an end");
            all.add_partition_offset(REVIEWS, partition.id(), Offset::Offset(end)).expect("an offset");
        }
        consumer.assign(&all).expect("assigned");
        let (arrived, stop) =
            (Arc::<Mutex<HashMap<String, Vec<Instant>>>>::default(), Arc::<AtomicBool>::default());
        let reading = std::thread::spawn({
            let (arrived, stop) = (Arc::clone(&arrived), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
                    let now = Instant::now();
                    let payload = message.payload().expect("an event");
                    let completed = ReviewCompleted::decode(payload).expect("a ReviewCompleted");
                    let commit = completed.review.expect("a review").commit;
                    let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
                    arrived.entry(commit).or_default().push(now);
                }
            }
        });
        Self { arrived, stop, reading: Some(reading) }
    }

    /// How many of these have arrived.
    pub fn arrived(&self, ids: &[(String, Instant)]) -> usize {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().filter(|(id, _)| arrived.contains_key(id)).count()
    }

    /// Sorted times from sending these to their first arrival.
    pub fn times(&self, sent: &[(String, Instant)]) -> Vec<Duration> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let mut times: Vec<_> =
            sent.iter().filter_map(|(id, at)| Some(arrived.get(id)?.first()?.duration_since(*at))).collect();
        times.sort();
        times
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(reading) = self.reading.take() {
            // It has said what went wrong.
            let _ = reading.join();
        }
    }
}

//! Load by Kafka: an outside producer of `DiffSubmitted`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prost::Message;
use rdkafka::{
    ClientConfig, ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};
use septet_proto_review::v1::DiffSubmitted;
use septet_testkit::history::{History, Outcome};
use tokio::time::sleep;

use super::operation::{Operation, Way};

/// The ingest topic.
pub const TOPIC: &str = "review.diff.ingest.v1";
/// Operations of a key that follow one another directly, so that several of them are in flight and in a batch.
const BURST: u64 = 4;

/// The producer: idempotent, every record confirmed by all replicas, and told of each delivery.
pub struct Events {
    producer: ThreadedProducer<Reports>,
    keys: u64,
    sent: u64,
}

/// Writes what the broker said of each record into the history.
struct Reports {
    history: Arc<History>,
    acked: Arc<AtomicU64>,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Operation>;

    fn delivery(&self, result: &DeliveryResult<'_>, operation: Box<Operation>) {
        // What is not confirmed stays unknown: it may stand in the log all the same.
        if result.is_ok() {
            self.history.outcome(&operation.id(), Outcome::Acked);
            self.acked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Events {
    /// A producer of so many keys. `acked` counts the confirmed records.
    ///
    /// # Panics
    /// If librdkafka refuses the settings.
    pub fn new(brokers: &str, keys: u64, history: Arc<History>, acked: Arc<AtomicU64>) -> Self {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("client.id", "load")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            // However long a broker is away, a record is neither given up nor overtaken.
            .set("message.timeout.ms", "0")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(Reports { history, acked })
            .expect("a producer");
        Self { producer, keys, sent: 0 }
    }

    /// Records handed to the producer so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends the next operation; waits where the producer's queue is full.
    ///
    /// # Panics
    /// If the producer has given up for good.
    pub async fn send(&mut self) {
        let number = self.sent;
        let (burst, within) = (number / BURST, number % BURST);
        let operation = Operation {
            way: Way::Event,
            key: u32::try_from(burst % self.keys).expect("few keys"),
            seq: u32::try_from(burst / self.keys * BURST + within).expect("few operations"),
        };
        let (id, key) = (operation.id(), operation.repository());
        self.producer.context().history.intend(&id, &key, operation.seq.into());
        let event = DiffSubmitted { repository: key.clone(), commit: id.clone(), diff: operation.diff() };
        // In the forms in which producers send: protobuf with CloudEvents' headers, and bare JSON.
        let (payload, headers) = if burst.is_multiple_of(2) {
            (event.encode_to_vec(), Some(headers(&id)))
        } else {
            let bare = serde_json::json!({"repository": event.repository, "commit": id, "diff": event.diff});
            (bare.to_string().into_bytes(), None)
        };
        let mut record = BaseRecord::with_opaque_to(TOPIC, Box::new(operation)).key(&key).payload(&payload);
        record.headers = headers;
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => record = again,
                Err((error, _)) => panic!("the load's producer gave up: {error}"),
            }
            sleep(Duration::from_millis(5)).await;
        }
        self.sent += 1;
    }

    /// Operations that a broker has confirmed.
    pub fn acked(&self) -> u64 {
        self.producer.context().acked.load(Ordering::Relaxed)
    }

    /// Why the producer can go on no more.
    pub fn fatal(&self) -> Option<String> {
        self.producer.client().fatal_error().map(|(_, reason)| reason)
    }
}

fn headers(id: &str) -> OwnedHeaders {
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", "/load"),
        ("ce_type", "septet.review.v1.DiffSubmitted"),
        ("content-type", "application/protobuf"),
    ];
    headers
        .into_iter()
        .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }))
}

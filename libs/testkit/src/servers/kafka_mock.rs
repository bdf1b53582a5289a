//! librdkafka's mock cluster: a broker's protocol inside this process, for tests of what a client does. It keeps 5 MiB for
//! each partition and drops the rest without an error, so it never stands in for Kafka in a claim.

use std::sync::mpsc;

use rdkafka::mocking::MockCluster;

/// A mock cluster. It ends when this is dropped.
#[derive(Debug)]
pub struct KafkaMock {
    bootstrap: String,
    requests: mpsc::Sender<Request>,
}

struct Request {
    topic: String,
    partitions: i32,
    created: mpsc::Sender<Result<(), String>>,
}

/// Starts a mock cluster with this many brokers.
///
/// # Panics
/// If librdkafka refuses.
pub fn kafka_mock(brokers: i32) -> KafkaMock {
    let (requests, inbox) = mpsc::channel::<Request>();
    let (started, bootstrap) = mpsc::channel();
    // The cluster may not leave the thread that made it.
    std::thread::spawn(move || {
        let cluster = match MockCluster::new(brokers) {
            Ok(cluster) => cluster,
            Err(error) => return drop(started.send(Err(error.to_string()))),
        };
        let _ = started.send(Ok(cluster.bootstrap_servers()));
        for request in inbox {
            let created = cluster.create_topic(&request.topic, request.partitions, 1);
            let _ = request.created.send(created.map_err(|error| error.to_string()));
        }
    });
    let bootstrap = bootstrap.recv().expect("the cluster's thread answers").expect("the mock cluster starts");
    KafkaMock { bootstrap, requests }
}

impl KafkaMock {
    /// `bootstrap.servers` of a client.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Creates a topic, which the mock's admin API cannot.
    ///
    /// # Panics
    /// If librdkafka refuses.
    pub fn create_topic(&self, topic: &str, partitions: i32) {
        let (created, outcome) = mpsc::channel();
        let request = Request { topic: topic.to_owned(), partitions, created };
        self.requests.send(request).expect("the cluster's thread runs");
        outcome.recv().expect("the cluster's thread answers").expect("the mock cluster creates a topic");
    }
}

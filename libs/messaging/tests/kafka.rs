//! The Kafka log: the conformance suite on librdkafka's mock cluster and on a real cluster, and what only Kafka does.

#[path = "kafka/cluster.rs"]
mod cluster;

/// The suite on the mock cluster, which stands in for a broker's protocol, not for Kafka.
mod mock_conformance {
    septet_testkit::log_conformance!(Some(crate::cluster::KafkaFixture::mock()));
}

/// The suite on a real cluster, where there is one.
mod real_conformance {
    septet_testkit::log_conformance!(crate::cluster::KafkaFixture::real().await);
}

/// What broken brokers do.
#[path = "kafka/faults.rs"]
mod faults;

/// Headers that no Rust client can write.
#[path = "kafka/headers.rs"]
mod headers;

/// What a broker that is killed does.
#[path = "kafka/outage.rs"]
mod outage;

/// Brokers of one test.
#[path = "kafka/own.rs"]
mod own;

/// What applying topics changes, and what not.
#[path = "kafka/retention.rs"]
mod retention;

/// Which users are let in.
#[path = "kafka/security.rs"]
mod security;

/// Which brokers and clients are let in, in a build with TLS.
#[cfg(feature = "kafka-tls")]
#[path = "kafka/tls.rs"]
mod tls;

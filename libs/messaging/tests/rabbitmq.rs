//! The RabbitMQ queue: the conformance suite on a real broker, and what only it does.

#[path = "rabbitmq/broker.rs"]
mod broker;

/// The suite, where there is a broker.
mod conformance {
    septet_testkit::queue_conformance!(crate::broker::RabbitFixture::start().await);
}

/// What a lost connection does.
#[path = "rabbitmq/connection.rs"]
mod connection;

/// What a broker that is killed, or has no room, does.
#[path = "rabbitmq/outage.rs"]
mod outage;

/// Brokers of one test.
#[path = "rabbitmq/own.rs"]
mod own;

/// Who is let in.
#[path = "rabbitmq/tls.rs"]
mod tls;

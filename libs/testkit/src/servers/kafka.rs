//! Apache Kafka.

use septet_servers::{Kind, Server};
use tokio::sync::OnceCell;

use super::own::{Found, find_or_start};

/// A running Kafka. Tests share it: use topics and groups of your own.
#[derive(Debug)]
pub struct Kafka {
    /// `host:port`, with commas between.
    pub brokers: String,
    /// Ends when it is dropped.
    _own: Option<Server>,
}

/// The Kafka that `SEPTET_TEST_KAFKA_BROKERS` names (`host:port`, with commas between), else this process's own, started
/// when it is first asked for; `None` where there is none (see [`super`]).
///
/// # Panics
/// If it is installed and does not start.
pub async fn kafka() -> Option<&'static Kafka> {
    static CLUSTER: OnceCell<Found<Kafka>> = OnceCell::const_new();
    let start = || find_or_start(Kind::Kafka, &[], |brokers, own| Kafka { brokers, _own: own });
    CLUSTER.get_or_init(start).await.or_skip(Kind::Kafka)
}

//! RabbitMQ.

use septet_servers::{Kind, Server};
use tokio::sync::OnceCell;

use super::own::{Found, find_or_start};

/// A running RabbitMQ. Tests share it: use queue names of your own.
#[derive(Debug)]
pub struct RabbitMq {
    /// `amqp://user:password@host:port/vhost`.
    pub url: String,
    /// Ends when it is dropped.
    _own: Option<Server>,
}

/// The RabbitMQ that `SEPTET_TEST_AMQP_URL` names (`amqp://user:password@host:port/vhost`), else this process's own,
/// started when it is first asked for; `None` where there is none (see [`super`]).
///
/// # Panics
/// If it is installed and does not start.
pub async fn rabbitmq() -> Option<&'static RabbitMq> {
    static BROKER: OnceCell<Found<RabbitMq>> = OnceCell::const_new();
    let start = || find_or_start(Kind::RabbitMq, &[], |url, own| RabbitMq { url, _own: own });
    BROKER.get_or_init(start).await.or_skip(Kind::RabbitMq)
}

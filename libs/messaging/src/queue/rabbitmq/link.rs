//! The connection to RabbitMQ, made when it is needed and again when it is gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lapin::{
    Channel, Connection, ConnectionProperties, Error, ErrorKind,
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::LongString,
    uri::AMQPUri,
};
use rand::Rng;
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{super::QueueError, BACKEND, RabbitConfig};

/// Pause after the first failed attempt to connect; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// One connection at a time.
pub(super) struct Link {
    uri: AMQPUri,
    pub(super) config: RabbitConfig,
    state: Mutex<State>,
    /// Cancelled when the queue is closed.
    pub(super) closed: CancellationToken,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// Attempts that failed in a row, and when and why the last one did.
    failures: u32,
    failed: Option<(Instant, String)>,
    pause: Duration,
}

impl Link {
    pub(super) fn new(config: RabbitConfig) -> Result<Self, QueueError> {
        let uri = config.uri()?;
        Ok(Self { uri, config, state: Mutex::default(), closed: CancellationToken::new() })
    }

    /// A channel of its own. While a pause between attempts to connect lasts, this fails at once.
    pub(super) async fn channel(&self) -> Result<Channel, QueueError> {
        let connection = self.connection().await?;
        self.in_time(connection.create_channel()).await?.map_err(unavailable)
    }

    async fn connection(&self) -> Result<Arc<Connection>, QueueError> {
        let mut state = self.state.lock().await;
        if self.closed.is_cancelled() {
            return Err(QueueError::Closed);
        }
        if let Some(connection) = &state.connection {
            if connection.status().connected() {
                return Ok(connection.clone());
            }
            state.connection = None;
        }
        if let Some((at, reason)) = &state.failed
            && at.elapsed() < state.pause
        {
            return Err(unavailable(reason));
        }
        let name = LongString::from(self.config.connection_name.clone());
        let properties = ConnectionProperties::default().with_connection_name(name);
        let connected = self.in_time(Connection::connect_uri(self.uri.clone(), properties)).await;
        match connected.and_then(|connected| connected.map_err(unavailable)) {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *state = State { connection: Some(connection.clone()), ..State::default() };
                tracing::info!(backend = BACKEND, host = self.uri.authority.host, "connected");
                Ok(connection)
            }
            Err(error) => {
                let limit = FIRST_PAUSE.saturating_mul(1 << state.failures.min(10)).min(LAST_PAUSE);
                // Half of it at random, so that many processes do not come back at once.
                state.pause = limit / 2 + rand::rng().random_range(Duration::ZERO..=limit / 2);
                state.failures += 1;
                state.failed = Some((Instant::now(), error.to_string()));
                tracing::warn!(backend = BACKEND, host = self.uri.authority.host, %error, "cannot connect");
                Err(error)
            }
        }
    }

    /// Limits what waits for the broker.
    pub(super) async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Result<T, QueueError> {
        match timeout(self.config.timeout(), answer).await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(unavailable(format_args!("no answer within {:?}", self.config.timeout()))),
        }
    }

    /// Ends the connection, which gives everything back that is out.
    pub(super) async fn close(&self) {
        self.closed.cancel();
        let Some(connection) = self.state.lock().await.connection.take() else { return };
        match self.in_time(connection.close(200, "closed".into())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(backend = BACKEND, %error, "closing the connection"),
            Err(error) => tracing::debug!(backend = BACKEND, %error, "closing the connection"),
        }
    }
}

/// The broker cannot do it now.
pub(super) fn unavailable(reason: impl std::fmt::Display) -> QueueError {
    QueueError::Unavailable { backend: BACKEND, reason: reason.to_string() }
}

/// What an error means that came of a request about a queue.
pub(super) fn failed(error: &Error, queue: &str) -> QueueError {
    let ErrorKind::ProtocolError(protocol) = error.kind() else { return unavailable(error) };
    match protocol.kind() {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => QueueError::UnknownQueue(queue.to_owned()),
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => QueueError::Invalid(format!(
            "queue {queue} exists in RabbitMQ with other settings ({}); delete it once it is empty, or choose \
             another name",
            protocol.get_message()
        )),
        _ => unavailable(error),
    }
}

//! A connection to RabbitMQ, made when it is needed and again when it is gone.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use lapin::{
    Channel, Connection, ConnectionProperties, Error, ErrorKind, Event,
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::LongString,
    uri::AMQPUri,
};
use rand::Rng;
use tokio::{
    sync::{Mutex, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{super::QueueError, BACKEND, RabbitConfig, tls};

/// Pause after the first failed attempt to connect; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause: a broker that is back is to be found in seconds.
const LAST_PAUSE: Duration = Duration::from_secs(3);

/// How often to look whether a connection is gone.
const LOOK: Duration = Duration::from_millis(500);

/// One connection at a time.
pub(super) struct Link {
    uri: AMQPUri,
    pub(super) config: RabbitConfig,
    /// What it is for, for logs.
    purpose: &'static str,
    state: Mutex<State>,
    /// Why the last attempt to connect failed, if it did.
    trouble: RwLock<Option<String>>,
    /// Why the broker takes nothing in over the present connection, if it does not.
    blocked: watch::Sender<Option<String>>,
    /// Cancelled when the queue is closed.
    pub(super) closed: CancellationToken,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// The task that follows what the broker says of it.
    attending: Option<AbortHandle>,
    /// Attempts that failed in a row, and when the last one did.
    failures: u32,
    failed: Option<Instant>,
    pause: Duration,
}

impl Link {
    pub(super) fn new(config: RabbitConfig, purpose: &'static str) -> Result<Self, QueueError> {
        let uri = config.uri()?;
        tls::check(&config, &uri)?;
        Ok(Self {
            uri,
            config,
            purpose,
            state: Mutex::default(),
            trouble: RwLock::default(),
            blocked: watch::Sender::new(None),
            closed: CancellationToken::new(),
        })
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
        if let Some(at) = state.failed
            && at.elapsed() < state.pause
        {
            return Err(self.trouble());
        }
        let name = LongString::from(format!("{} ({})", self.config.connection_name, self.purpose));
        let properties = ConnectionProperties::default().with_connection_name(name);
        let connected = self.in_time(tls::connect(&self.config, &self.uri, properties)).await;
        match connected.and_then(|connected| connected.map_err(unavailable)) {
            Ok(connection) => {
                if let Some(attending) = state.attending.take() {
                    attending.abort();
                }
                let attending = Some(self.attend(&connection));
                let connection = Arc::new(connection);
                *state = State { connection: Some(connection.clone()), attending, ..State::default() };
                self.note(None);
                tracing::info!(
                    backend = BACKEND,
                    host = self.uri.authority.host,
                    purpose = self.purpose,
                    "connected"
                );
                Ok(connection)
            }
            Err(error) => {
                let limit = FIRST_PAUSE.saturating_mul(1 << state.failures.min(10)).min(LAST_PAUSE);
                // Half of it at random, so that many processes do not come back at once.
                state.pause = limit / 2 + rand::rng().random_range(Duration::ZERO..=limit / 2);
                state.failures += 1;
                state.failed = Some(Instant::now());
                let QueueError::Unavailable { reason, .. } = &error else { return Err(error) };
                self.note(Some(reason));
                tracing::warn!(backend = BACKEND, host = self.uri.authority.host, reason, "cannot connect");
                Err(error)
            }
        }
    }

    /// Follows what the broker says of a connection: that it is short of disk or memory and takes nothing in, and that
    /// this is over.
    fn attend(&self, connection: &Connection) -> AbortHandle {
        let (mut events, blocked) = (Box::pin(connection.events_listener()), self.blocked.clone());
        let status = connection.status().clone();
        blocked.send_replace(None);
        let attending = tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    // The end of a connection is not always told.
                    () = sleep(LOOK) => if status.connected() { continue } else { None },
                };
                let Some(event) = event else { break };
                match event {
                    Event::ConnectionBlocked(reason) => {
                        tracing::warn!(
                            backend = BACKEND,
                            reason,
                            "the broker takes no jobs for now; they wait here"
                        );
                        blocked.send_replace(Some(reason));
                    }
                    Event::ConnectionUnblocked => {
                        tracing::info!(backend = BACKEND, "the broker takes jobs again");
                        blocked.send_replace(None);
                    }
                    Event::Error(_) => break,
                    _ => {}
                }
            }
            // It holds for this connection only.
            blocked.send_replace(None);
        });
        attending.abort_handle()
    }

    /// Ok unless the broker has said that it takes nothing in.
    pub(super) fn check_flow(&self) -> Result<(), QueueError> {
        self.blocked.borrow().as_deref().map_or(Ok(()), |reason| Err(is_blocked(reason)))
    }

    /// Resolves once the broker says that it takes nothing in.
    pub(super) async fn blocked(&self) -> QueueError {
        let mut blocked = self.blocked.subscribe();
        match blocked.wait_for(Option::is_some).await {
            Ok(reason) => is_blocked(reason.as_deref().unwrap_or_default()),
            // The sender lives as long as this.
            Err(_) => QueueError::Closed,
        }
    }

    fn note(&self, trouble: Option<&str>) {
        *self.trouble.write().unwrap_or_else(PoisonError::into_inner) = trouble.map(str::to_owned);
    }

    /// Why the last attempt to connect failed.
    pub(super) fn trouble(&self) -> QueueError {
        let trouble = self.trouble.read().unwrap_or_else(PoisonError::into_inner);
        unavailable(trouble.as_deref().unwrap_or("it does not answer"))
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
        // A broker that takes nothing in would not hear the goodbye.
        if self.check_flow().is_err() {
            return;
        }
        match self.in_time(connection.close(200, "closed".into())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(backend = BACKEND, %error, "closing the connection"),
            Err(error) => tracing::debug!(backend = BACKEND, %error, "closing the connection"),
        }
    }
}

fn is_blocked(reason: &str) -> QueueError {
    unavailable(format_args!("the broker takes no jobs for now: {reason}"))
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

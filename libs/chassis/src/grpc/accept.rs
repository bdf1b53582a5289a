use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::Connection;
use crate::tls::Renewed;

/// How long a caller may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Callers that agree on TLS at a time; the others wait to be accepted.
const HANDSHAKES: usize = 256;
/// The pause where the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// The connections that come in at an address, ready to be spoken over. Nobody listens any more once it is dropped.
pub(crate) struct Incoming {
    ready: mpsc::Receiver<Connection>,
    address: SocketAddr,
    _accepting: AbortOnDropHandle<()>,
}

impl Incoming {
    /// `open` counts connections on which something was said, until they are closed.
    pub fn new(
        listener: TcpListener,
        tls: Option<Renewed<ServerConfig>>,
        open: TaskTracker,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(HANDSHAKES);
        let accept = Accept { listener, tls, open, handshakes: Arc::new(Semaphore::new(HANDSHAKES)), sender };
        Ok(Self { ready, address, _accepting: AbortOnDropHandle::new(tokio::spawn(accept.run())) })
    }
}

struct Accept {
    listener: TcpListener,
    tls: Option<Renewed<ServerConfig>>,
    open: TaskTracker,
    handshakes: Arc<Semaphore>,
    sender: mpsc::Sender<Connection>,
}

impl Accept {
    async fn run(self) {
        // Closed by nobody.
        while let Ok(permit) = Arc::clone(&self.handshakes).acquire_owned().await {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(NO_ROOM).await;
                    continue;
                }
            };
            // Nothing but speed depends on it.
            let _ = stream.set_nodelay(true);
            let (sender, open) = (self.sender.clone(), self.open.clone());
            let acceptor = self.tls.as_ref().map(|tls| TlsAcceptor::from(tls.current()));
            tokio::spawn(async move {
                if let Some(connection) = greet(stream, acceptor, open).await {
                    // Nobody takes it where the listener has been closed meanwhile.
                    let _ = sender.send(connection).await;
                }
                drop(permit);
            });
        }
    }
}

async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>, open: TaskTracker) -> Option<Connection> {
    let Some(tls) = tls else { return Some(Connection::plain(stream, open)) };
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(Connection::tls(stream, open)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a caller was refused by TLS");
            None
        }
        Err(_elapsed) => None,
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready.poll_recv(context).map(|connection| connection.map(Ok))
    }
}

impl axum::serve::Listener for Incoming {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => (connection, self.address),
            // Its sender goes with it.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

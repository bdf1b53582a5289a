use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tonic::body::Body;

use super::target::Target;
use crate::tls::Renewed;

/// How long a connection may take until calls can be sent over it.
const CONNECT: Duration = Duration::from_secs(3);
/// After how long a silence the server is asked whether it is still there, and how long it has to answer: a connection
/// that was cut without a word is given up after both.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3));

/// A connection that is driven until it ends.
pub(super) type Driven = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Opens connections.
pub(super) struct Connector {
    http2: Builder<TokioExecutor>,
    /// Where a target is `https:`.
    tls: Option<Renewed<ClientConfig>>,
}

impl Connector {
    pub fn new(tls: Option<Renewed<ClientConfig>>) -> Self {
        let mut http2 = Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE.0)
            .keep_alive_timeout(KEEPALIVE.1)
            .keep_alive_while_idle(true);
        Self { http2, tls }
    }

    /// Connects to an address of the target.
    pub async fn connect(
        &self,
        target: &Target,
        address: SocketAddr,
    ) -> anyhow::Result<(SendRequest<Body>, Driven)> {
        match tokio::time::timeout(CONNECT, self.open(target, address)).await {
            Ok(connected) => connected,
            Err(_elapsed) => bail!("no connection within {CONNECT:?}"),
        }
    }

    async fn open(
        &self,
        target: &Target,
        address: SocketAddr,
    ) -> anyhow::Result<(SendRequest<Body>, Driven)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = self.tls.as_ref().filter(|_| target.is_tls()) else {
            return self.speak(stream).await;
        };
        let name = ServerName::try_from(target.host.clone()).context("the host is no name for TLS")?;
        let stream = TlsConnector::from(tls.current()).connect(name, stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            bail!("the server does not speak HTTP/2");
        }
        self.speak(Box::new(stream)).await
    }

    async fn speak<T>(&self, stream: T) -> anyhow::Result<(SendRequest<Body>, Driven)>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = self.http2.handshake(TokioIo::new(stream)).await?;
        Ok((sender, Box::pin(connection)))
    }
}

/// Shared by the tasks of one channel.
pub(super) type SharedConnector = Arc<Connector>;

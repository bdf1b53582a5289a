use std::{io, net::SocketAddr, sync::Arc};

use anyhow::{Context, anyhow};
use rustls::ServerConfig;
use septet_telemetry::metrics::Prometheus;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use crate::{
    admin,
    config::{ProcessConfig, ServerTls},
    grpc::Incoming,
    pages::Pages,
    readiness::Readiness,
    tls::{Protocol, Renewed, server},
};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// The addresses of a process that starts.
pub(crate) struct Listeners {
    /// Taken, but not listened at yet: whoever calls is refused at once instead of left waiting.
    grpc: TcpSocket,
    grpc_tls: Option<Renewed<ServerConfig>>,
    pub grpc_address: SocketAddr,
    pub admin: AdminTask,
    pub admin_address: SocketAddr,
}

/// Health, metrics and pages over HTTP, as long as this is held.
pub(crate) struct AdminTask {
    task: AbortOnDropHandle<io::Result<()>>,
    stop: CancellationToken,
}

impl Listeners {
    /// Takes both addresses, and serves health and metrics from now on.
    pub fn bind(
        config: &ProcessConfig,
        readiness: &Arc<Readiness>,
        prometheus: &Prometheus,
        pages: Option<Pages>,
    ) -> anyhow::Result<Self> {
        let grpc = bind(config.grpc.listen, "grpc.listen")?;
        let grpc_tls = tls(config.grpc.tls.as_ref(), Protocol::Http2).context("grpc.tls")?;
        let admin = listen(bind(config.admin.listen, "admin.listen")?)?;
        let admin_address = admin.local_addr()?;
        let admin_tls = tls(config.admin.tls.as_ref(), Protocol::Http).context("admin.tls")?;
        let incoming = Incoming::new(admin, admin_tls, TaskTracker::new())?;
        let stop = CancellationToken::new();
        let serve = admin::serve(incoming, Arc::clone(readiness), prometheus.clone(), pages, stop.clone());
        let admin = AdminTask { task: AbortOnDropHandle::new(tokio::spawn(serve)), stop };
        Ok(Self { grpc_address: grpc.local_addr()?, grpc, grpc_tls, admin, admin_address })
    }

    /// Listens for calls. `open` counts the connections.
    pub fn listen(self, open: TaskTracker) -> anyhow::Result<(Incoming, AdminTask)> {
        Ok((Incoming::new(listen(self.grpc)?, self.grpc_tls, open)?, self.admin))
    }
}

impl AdminTask {
    /// Waits until it has ended, which it should not before the process does.
    pub async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Ok(())) => anyhow!("admin has ended"),
            Ok(Err(error)) => anyhow!("admin failed: {error}"),
            Err(error) => anyhow!("admin panicked: {error}"),
        }
    }

    /// Lets the last answers leave.
    pub async fn close(self) {
        self.stop.cancel();
        // What it ended with does not matter any more.
        let _ = self.task.await;
    }
}

fn tls(config: Option<&ServerTls>, protocol: Protocol) -> anyhow::Result<Option<Renewed<ServerConfig>>> {
    config.map(|config| server(config, protocol)).transpose()
}

fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpSocket> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // An address of a process that has just ended can be taken at once.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    bound().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "{address} is in use by another program; stop it, or set `{key}` to another address (port 0 for any)"
        ),
        _ => anyhow!("cannot listen on {address} (`{key}`): {error}"),
    })
}

fn listen(socket: TcpSocket) -> anyhow::Result<TcpListener> {
    let address = socket.local_addr()?;
    socket.listen(BACKLOG).with_context(|| format!("cannot listen on {address}; another program does"))
}

//! A TCP proxy between a client and its server that can do to their link what networks do. The two ends need not know: a
//! client is given the proxy's address in place of its server's.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

#[cfg(test)]
mod tests;

/// What is wrong with a link. It holds for connections that are there and for new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Nothing arrives, in either direction, and nobody is told. What was sent arrives once the fault is over, as TCP
    /// sends it again.
    Blackhole,
    /// Connections end with a reset, new ones at once.
    Reset,
    /// Everything arrives this much later. It takes no bandwidth away.
    Delay(Duration),
    /// The server's end is gone and the client is never told, as when a firewall forgets a connection: what the client
    /// says leads nowhere. Connections that were there or were made meanwhile stay like that when the fault is over.
    HalfOpen,
    /// This many bytes a second pass, in each direction of each connection.
    Throttle(u32),
}

impl Fault {
    fn is_blackhole(self) -> bool {
        self == Self::Blackhole
    }

    fn ends_connections(self) -> bool {
        matches!(self, Self::Reset | Self::HalfOpen)
    }
}

/// What has gone through a proxy since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that clients made.
    pub connections: u64,
    /// Bytes that reached the server.
    pub sent: u64,
    /// Bytes that reached the clients.
    pub received: u64,
}

/// Stands before one server until it is dropped, which ends all connections.
pub struct FaultProxy {
    address: SocketAddr,
    fault: Arc<watch::Sender<Fault>>,
    counts: Arc<Counts>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl FaultProxy {
    /// Listens on a free loopback port and leads to `upstream`, without a fault. The server need not be there yet.
    ///
    /// # Errors
    /// What the operating system says about the port.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        Self::listen(TcpListener::bind("127.0.0.1:0").await?, upstream)
    }

    /// As [`FaultProxy::start`], on a port that was promised to somebody before its server was there.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start_on(port: u16, upstream: SocketAddr) -> io::Result<Self> {
        Self::listen(TcpListener::bind(("127.0.0.1", port)).await?, upstream)
    }

    fn listen(listener: TcpListener, upstream: SocketAddr) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let fault = Arc::new(watch::Sender::new(Fault::None));
        let counts = Arc::new(Counts::default());
        let (signal, counting) = (fault.clone(), counts.clone());
        let listening = tokio::spawn(async move {
            loop {
                // Out of file descriptors, most likely: that passes.
                let Ok((client, _)) = listener.accept().await else {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                counting.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connect(client, upstream, signal.subscribe(), counting.clone()));
            }
        });
        Ok(Self { address, fault, counts, listening })
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the link has this fault instead of the one before.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// What has gone through so far.
    pub fn traffic(&self) -> Traffic {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic {
            connections: load(&self.counts.connections),
            sent: load(&self.counts.sent),
            received: load(&self.counts.received),
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.listening.abort();
        // The connections see that the sender of faults is gone: this was the last reference besides the listener's.
    }
}

/// One connection, from its beginning to its end.
async fn connect(
    mut client: TcpStream,
    upstream: SocketAddr,
    mut fault: watch::Receiver<Fault>,
    counts: Arc<Counts>,
) {
    if fault.wait_for(|fault| !fault.is_blackhole()).await.is_err() {
        return;
    }
    let now = *fault.borrow_and_update();
    let mut server = match now {
        Fault::Reset => return reset(&client),
        Fault::HalfOpen => return swallow(client, fault).await,
        _ => match TcpStream::connect(upstream).await {
            Ok(server) => server,
            // A client is told of a server that is not there by a refusal; this is as close as a proxy comes.
            Err(_) => return reset(&client),
        },
    };
    // A proxy that collects small packets would be a fault of its own.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ending = {
        let (client_in, client_out) = client.split();
        let (server_in, server_out) = server.split();
        let there = pump(client_in, server_out, fault.clone(), &counts.sent);
        let back = pump(server_in, client_out, fault.clone(), &counts.received);
        tokio::select! {
            _ = async { tokio::try_join!(there, back) } => Ending::Closed,
            ended = fault.wait_for(|fault| fault.ends_connections()) => match ended.map(|fault| *fault) {
                Ok(Fault::HalfOpen) => Ending::Forgotten,
                Ok(_) => Ending::Reset,
                Err(_) => Ending::Closed,
            },
        }
    };
    match ending {
        Ending::Closed => {}
        Ending::Reset => {
            reset(&client);
            reset(&server);
        }
        Ending::Forgotten => {
            reset(&server);
            drop(server);
            swallow(client, fault).await;
        }
    }
}

/// How a connection ended.
enum Ending {
    Closed,
    Reset,
    Forgotten,
}

/// Has the stream end with a reset when it is dropped.
fn reset(stream: &TcpStream) {
    // It may be closed already.
    let _ = stream.set_zero_linger();
}

/// Reads what the client says and answers nothing, until it goes or is reset.
async fn swallow(mut client: TcpStream, mut fault: watch::Receiver<Fault>) {
    let mut ignored = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            read = client.read(&mut ignored) => match read {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            },
            reason = fault.wait_for(|fault| *fault == Fault::Reset) => {
                if reason.is_ok() {
                    reset(&client);
                }
                return;
            }
        }
    }
}

/// Bytes, and when they may arrive.
type Piece = (Instant, Bytes);

/// Pieces under way in one direction of a connection; more wait at the sender.
const UNDER_WAY: usize = 64;

/// Carries bytes in one direction until the sender has ended and everything has arrived.
async fn pump(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    fault: watch::Receiver<Fault>,
    count: &AtomicU64,
) -> io::Result<()> {
    let (pieces, arriving) = mpsc::channel(UNDER_WAY);
    let (taken, given) = tokio::join!(take(from, pieces, fault.clone()), give(to, arriving, fault, count));
    taken.and(given)
}

async fn take(
    mut from: impl AsyncRead + Unpin,
    pieces: mpsc::Sender<Piece>,
    fault: watch::Receiver<Fault>,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(32 * 1024);
        if from.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let delay = match *fault.borrow() {
            Fault::Delay(delay) => delay,
            _ => Duration::ZERO,
        };
        if pieces.send((Instant::now() + delay, buffer.split().freeze())).await.is_err() {
            // The other half has failed and says why.
            return Ok(());
        }
    }
}

async fn give(
    mut to: impl AsyncWrite + Unpin,
    mut arriving: mpsc::Receiver<Piece>,
    mut fault: watch::Receiver<Fault>,
    count: &AtomicU64,
) -> io::Result<()> {
    let gone = |_| io::Error::from(io::ErrorKind::ConnectionAborted);
    while let Some((due, mut bytes)) = arriving.recv().await {
        while !bytes.is_empty() {
            let now = *fault.wait_for(|fault| !fault.is_blackhole()).await.map_err(gone)?;
            let (some, pause) = match now {
                Fault::Delay(_) if Instant::now() < due => (0, due),
                Fault::Throttle(rate) => {
                    // Ten times a second, so that a rate is a rate and no bursts.
                    let some = bytes.len().min((rate as usize / 10).max(1));
                    (some, Instant::now() + Duration::from_secs_f64(some as f64 / f64::from(rate.max(1))))
                }
                _ => (bytes.len(), Instant::now()),
            };
            if some > 0 {
                to.write_all(&bytes.split_to(some)).await?;
                count.fetch_add(some as u64, Ordering::Relaxed);
            }
            tokio::select! {
                () = sleep_until(pause) => {}
                changed = fault.changed() => changed.map_err(gone)?,
            }
        }
    }
    to.shutdown().await
}

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::AbortOnDropHandle,
};

use super::{
    board::{Board, Connection, Id, Status},
    connect::SharedConnector,
    target::Target,
};
use crate::backoff::Backoff;

/// How often names are looked up again: a replica that was added is used within this time.
const LOOK: Duration = Duration::from_secs(5);
/// The shortest time between two looks, where replicas go away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a look-up may take.
const RESOLVE: Duration = Duration::from_secs(3);
/// The pauses between attempts to reach a replica.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// A connection that ends sooner is as good as none.
const STABLE: Duration = Duration::from_secs(1);

/// Spreads calls over the replicas of a service. Connects at the first call, and keeps a connection to each replica from
/// then on, until it is dropped.
pub(super) struct Balance {
    replicas: Arc<Replicas>,
    turn: AtomicUsize,
    begun: Once,
    end: CancellationToken,
    _end: DropGuard,
}

impl Balance {
    pub fn new(targets: Vec<Target>, connector: SharedConnector) -> Self {
        let replicas = Replicas {
            targets: targets.into_iter().map(Arc::new).collect(),
            connector,
            board: watch::Sender::default(),
            lost: Notify::new(),
        };
        let end = CancellationToken::new();
        Self {
            replicas: Arc::new(replicas),
            turn: AtomicUsize::new(0),
            begun: Once::new(),
            _end: end.clone().drop_guard(),
            end,
        }
    }

    /// A connection to send a call over, another one than to `avoid` where there is one. Waits while there may be one
    /// soon; the error says why there is none.
    pub async fn pick(&self, avoid: Option<Id>) -> Result<Arc<Connection>, String> {
        self.begun.call_once(|| {
            let (replicas, end) = (Arc::clone(&self.replicas), self.end.clone());
            tokio::spawn(async move { end.run_until_cancelled(replicas.follow()).await });
        });
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(connection) = self.replicas.board.borrow().pick(turn, avoid) {
            return Ok(connection);
        }
        let mut changes = self.replicas.board.subscribe();
        loop {
            {
                let board = changes.borrow_and_update();
                if let Some(connection) = board.pick(turn, avoid) {
                    return Ok(connection);
                }
                if let Some(failure) = board.failure() {
                    return Err(failure);
                }
            }
            // The sender is `self`'s, so this cannot end.
            let _ = changes.changed().await;
        }
    }
}

/// The replicas of a service, and what keeps them connected.
struct Replicas {
    targets: Vec<Arc<Target>>,
    connector: SharedConnector,
    board: watch::Sender<Board>,
    /// A replica went away: others may have come.
    lost: Notify,
}

impl Replicas {
    /// Keeps a connection to every address of every target.
    async fn follow(self: Arc<Self>) {
        let mut tasks: BTreeMap<Id, AbortOnDropHandle<()>> = BTreeMap::new();
        loop {
            for (number, target) in self.targets.iter().enumerate() {
                let found = resolve(target).await;
                let failure = found.as_ref().err().map(|reason| format!("{target}: {reason}"));
                self.board.send_modify(|board| board.resolved(number, failure));
                // What was found earlier may well be there still.
                let Ok(addresses) = found else { continue };
                tasks.retain(|(of, address), _| *of != number || addresses.contains(address));
                for address in addresses {
                    let id = (number, address);
                    tasks.entry(id).or_insert_with(|| {
                        self.board.send_modify(|board| board.add(id));
                        let replica = Arc::clone(&self).keep_connected(id, Arc::clone(target));
                        AbortOnDropHandle::new(tokio::spawn(replica))
                    });
                }
            }
            self.board.send_modify(|board| board.keep(|id| tasks.contains_key(id)));
            let looked = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.lost.notified() => tokio::time::sleep_until(looked + LOOK_AGAIN).await,
            }
        }
    }

    /// Connects to one replica, again and again.
    async fn keep_connected(self: Arc<Self>, id: Id, target: Arc<Target>) {
        let set = |status| self.board.send_modify(|board| board.set(id, status));
        let mut backoff = Backoff::new(RECONNECT.0, RECONNECT.1);
        loop {
            let failure = match self.connector.connect(&target, id.1).await {
                Ok((sender, driven)) => {
                    let began = Instant::now();
                    set(Status::Ready(Connection::new(id, Arc::clone(&target), sender)));
                    // Ends as soon as the server says that it takes no more calls; those in flight go on.
                    let ended = driven.await;
                    self.lost.notify_one();
                    if began.elapsed() >= STABLE {
                        backoff.reset();
                        set(Status::Connecting);
                        continue;
                    }
                    ended.map_or_else(|error| error.to_string(), |()| "the connection was closed".to_owned())
                }
                Err(error) => format!("{error:#}"),
            };
            set(Status::Failing(format!("{}: {failure}", place(&target, id.1))));
            tokio::time::sleep(backoff.pause()).await;
        }
    }
}

fn place(target: &Target, address: SocketAddr) -> String {
    match target.host.parse::<IpAddr>() {
        Ok(_) => target.to_string(),
        Err(_) => format!("{target} ({})", address.ip()),
    }
}

async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::net::lookup_host((target.host.as_str(), target.port));
    match tokio::time::timeout(RESOLVE, found).await {
        Ok(Ok(addresses)) => {
            let mut addresses: Vec<_> = addresses.collect();
            addresses.sort_unstable();
            addresses.dedup();
            Ok(addresses)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_elapsed) => Err(format!("its name was not found within {RESOLVE:?}")),
    }
}

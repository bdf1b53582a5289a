use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;

use super::target::Target;

/// A replica: an address of a target.
pub(super) type Id = (usize, SocketAddr);

/// A connection that takes calls.
pub(super) struct Connection {
    pub id: Id,
    pub target: Arc<Target>,
    sender: SendRequest<Body>,
    calls: AtomicUsize,
}

impl Connection {
    pub fn new(id: Id, target: Arc<Target>, sender: SendRequest<Body>) -> Arc<Self> {
        Arc::new(Self { id, target, sender, calls: AtomicUsize::new(0) })
    }

    pub fn sender(&self) -> SendRequest<Body> {
        self.sender.clone()
    }
}

/// Counts a call on its connection as long as it lasts.
pub(super) struct Load(Arc<Connection>);

impl Load {
    pub fn on(connection: &Arc<Connection>) -> Self {
        connection.calls.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connection))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is known of a service's replicas.
#[derive(Default)]
pub(super) struct Board {
    replicas: BTreeMap<Id, Status>,
    ready: Vec<Arc<Connection>>,
    /// Why a target's name gave no address, by target.
    unresolved: BTreeMap<usize, String>,
    /// The names were looked up once.
    looked: bool,
}

/// What is known of one replica.
pub(super) enum Status {
    /// It has not failed since it was last there.
    Connecting,
    Ready(Arc<Connection>),
    /// Why it was not reached; it is tried again.
    Failing(String),
}

impl Board {
    pub fn add(&mut self, id: Id) {
        self.replicas.insert(id, Status::Connecting);
    }

    /// Of a replica that is still there.
    pub fn set(&mut self, id: Id, status: Status) {
        if let Some(of) = self.replicas.get_mut(&id) {
            *of = status;
            self.collect();
        }
    }

    /// Forgets replicas that are not there any more.
    pub fn keep(&mut self, is_there: impl Fn(&Id) -> bool) {
        self.replicas.retain(|id, _| is_there(id));
        self.looked = true;
        self.collect();
    }

    pub fn resolved(&mut self, target: usize, failure: Option<String>) {
        match failure {
            Some(failure) => self.unresolved.insert(target, failure),
            None => self.unresolved.remove(&target),
        };
    }

    fn collect(&mut self) {
        let ready = self.replicas.values().filter_map(|status| match status {
            Status::Ready(connection) => Some(Arc::clone(connection)),
            Status::Connecting | Status::Failing(_) => None,
        });
        self.ready = ready.collect();
    }

    /// The connection with the fewest calls, in turn where several have as few; another than `avoid` where there is one.
    pub fn pick(&self, turn: usize, avoid: Option<Id>) -> Option<Arc<Connection>> {
        let (before, from) = self.ready.split_at(turn % self.ready.len().max(1));
        let fewest = |avoid: Option<Id>| {
            let others = from.iter().chain(before).filter(|connection| Some(connection.id) != avoid);
            others.min_by_key(|connection| connection.calls.load(Ordering::Relaxed))
        };
        fewest(avoid).or_else(|| fewest(None)).cloned()
    }

    /// Why no replica can be reached now; `None` while one may yet be.
    pub fn failure(&self) -> Option<String> {
        let connecting = self.replicas.values().any(|status| !matches!(status, Status::Failing(_)));
        if connecting || !self.looked {
            return None;
        }
        let failing = self.replicas.values().filter_map(|status| match status {
            Status::Failing(failure) => Some(failure),
            Status::Connecting | Status::Ready(_) => None,
        });
        let failures: Vec<&str> = failing.chain(self.unresolved.values()).map(String::as_str).collect();
        Some(failures.join(", "))
    }
}

//! What the writer publishes and everybody else in the process reads.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use sqlx::SqlitePool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    EmbeddedOptions,
    catalog::{Cell, Topic, Topics},
    fault::Fault,
    lease::Lease,
};
use crate::log::LogError;

/// State of one open log, shared by all that use it.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) options: EmbeddedOptions,
    /// Names this open log among the processes that share the file.
    pub(super) instance: String,
    pub(super) readers: SqlitePool,
    pub(super) topics: RwLock<Arc<Topics>>,
    pub(super) groups: Mutex<HashMap<String, watch::Sender<Arc<View>>>>,
    pub(super) commits: Mutex<HashMap<(String, i64), Commit>>,
    pub(super) closed: CancellationToken,
}

/// A group as it is on disk.
#[derive(Default)]
pub(super) struct View {
    pub(super) members: BTreeSet<String>,
    pub(super) assignments: Vec<Assigned>,
}

/// Who has a partition of a group.
pub(super) struct Assigned {
    pub(super) cell: Arc<Cell>,
    pub(super) owner: Option<String>,
    pub(super) target: Option<String>,
    pub(super) epoch: i64,
}

/// A position that a member has committed and that is not on disk yet.
#[derive(Clone)]
pub(super) struct Commit {
    pub(super) next: i64,
    pub(super) lease: Arc<Lease>,
}

/// Locks; a panic of another thread while it held the lock cannot have left these maps half-changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn topics(&self) -> Arc<Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn topic(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        self.topics().get(name).cloned().ok_or_else(|| LogError::UnknownTopic(name.to_owned()))
    }

    pub(super) fn fault(&self, error: &sqlx::Error) -> Fault {
        Fault::of(error, &self.path)
    }

    pub(super) fn ensure_open(&self) -> Result<(), LogError> {
        if self.closed.is_cancelled() { Err(LogError::Closed) } else { Ok(()) }
    }
}

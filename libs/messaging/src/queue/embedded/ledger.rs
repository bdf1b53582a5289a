//! What the writer knows of the file, and what everybody else in the process reads of it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use async_trait::async_trait;
use septet_contract::Timestamp;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::EmbeddedOptions;
use crate::{
    log::embedded::{Fault, Row, State, insert},
    queue::QueueError,
};

/// The table of jobs and its columns, as [`Row`] has them.
const JOBS: &str = r#"jobs (queue_id, available_at, created_at, "key", headers, value)"#;

/// Queues by name.
pub(super) type Queues = BTreeMap<String, Arc<Cell>>;

/// A queue. There is one in the process for each, so that its consumers are woken through it.
pub(super) struct Cell {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) max_attempts: u32,
    /// Changes when there may be something to take.
    pub(super) changes: watch::Sender<u64>,
}

/// State of one open queue file, shared by all that use it.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) options: EmbeddedOptions,
    /// Names this open file among the processes that share it.
    pub(super) instance: String,
    pub(super) readers: SqlitePool,
    pub(super) queues: RwLock<Arc<Queues>>,
    /// Tokens of the deliveries that are in use here.
    pub(super) held: Mutex<HashSet<i64>>,
    pub(super) closed: CancellationToken,
}

impl Shared {
    pub(super) fn queue(&self, name: &str) -> Result<Arc<Cell>, QueueError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.get(name).cloned().ok_or_else(|| QueueError::UnknownQueue(name.to_owned()))
    }

    pub(super) fn held(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ensure_open(&self) -> Result<(), QueueError> {
        if self.closed.is_cancelled() { Err(QueueError::Closed) } else { Ok(()) }
    }

    pub(super) fn fault(&self, error: &sqlx::Error) -> Fault {
        Fault::of(error, &self.path)
    }
}

/// State of the queue's writer.
pub(super) struct Ledger {
    pub(super) shared: Arc<Shared>,
    pub(super) queues: Arc<Queues>,
    /// Jobs that the transaction adds.
    pub(super) rows: Vec<Row>,
    /// Queues in which there may be something to take after the transaction, by id.
    pub(super) woken: HashSet<i64>,
    /// The latest delivery.
    pub(super) token: i64,
    data_version: i64,
    stale: bool,
    renewed: Option<Instant>,
}

impl Ledger {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            queues: Arc::default(),
            rows: Vec::new(),
            woken: HashSet::new(),
            token: 0,
            data_version: 0,
            stale: true,
            renewed: None,
        }
    }

    /// Reads the queues from the file.
    pub(super) async fn load(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let known: HashMap<i64, &Arc<Cell>> = self.queues.values().map(|cell| (cell.id, cell)).collect();
        let mut queues = Queues::new();
        for row in sqlx::query("SELECT id, name, max_attempts FROM queues").fetch_all(tx).await? {
            let (id, name): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            let max_attempts = u32::try_from(row.try_get::<i64, _>(2)?).unwrap_or(u32::MAX);
            let changes = known.get(&id).map_or_else(|| watch::Sender::new(0), |cell| cell.changes.clone());
            queues.insert(name.clone(), Arc::new(Cell { id, name, max_attempts, changes }));
        }
        self.queues = Arc::new(queues);
        Ok(())
    }

    /// Renews the leases in use here, and frees those that ran out.
    async fn renew(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let now = Timestamp::now();
        let until = now.after(self.shared.options.lease).micros();
        let held: Vec<i64> = self.shared.held().iter().copied().collect();
        for token in held {
            sqlx::query("UPDATE jobs SET leased_until = $1 WHERE owner = $2 AND token = $3")
                .bind(until)
                .bind(&self.shared.instance)
                .bind(token)
                .execute(&mut *tx)
                .await?;
        }
        let freed: Vec<i64> = sqlx::query_scalar(
            "UPDATE jobs SET owner = NULL, token = NULL, leased_until = NULL
             WHERE owner IS NOT NULL AND leased_until < $1 RETURNING queue_id",
        )
        .bind(now.micros())
        .fetch_all(tx)
        .await?;
        self.woken.extend(freed);
        self.renewed = Some(Instant::now());
        Ok(())
    }

    fn renewal_due(&self) -> bool {
        self.renewed.is_none_or(|renewed| renewed.elapsed() >= self.shared.options.lease / 3)
    }

    async fn foreign_change(&mut self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await?;
        let changed = version != self.data_version;
        self.data_version = version;
        Ok(changed)
    }
}

#[async_trait]
impl State for Ledger {
    async fn begin(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.stale |= self.foreign_change(tx).await?;
        if self.stale {
            self.load(tx).await?;
            self.woken.extend(self.queues.values().map(|cell| cell.id));
        }
        if self.renewal_due() {
            self.renew(tx).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        insert(&mut self.rows, JOBS, tx).await
    }

    fn committed(&mut self) {
        self.stale = false;
        *self.shared.queues.write().unwrap_or_else(PoisonError::into_inner) = self.queues.clone();
        for cell in self.queues.values().filter(|cell| self.woken.contains(&cell.id)) {
            cell.changes.send_modify(|change| *change = change.wrapping_add(1));
        }
        self.woken.clear();
    }

    fn rolled_back(&mut self) {
        self.stale = true;
        self.renewed = None;
        self.rows.clear();
        self.woken.clear();
    }

    async fn tick(&mut self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        self.stale |= self.foreign_change(connection).await?;
        Ok(self.stale || self.renewal_due())
    }

    async fn close(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        free(Some(&self.shared.instance), tx).await
    }
}

/// Brings the jobs back that are out with an instance, or with any. Their attempts stay counted.
pub(super) async fn free(instance: Option<&str>, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE jobs SET owner = NULL, token = NULL, leased_until = NULL
         WHERE owner IS NOT NULL AND ($1 IS NULL OR owner = $1)",
    )
    .bind(instance)
    .execute(tx)
    .await?;
    Ok(())
}

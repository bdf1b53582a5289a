//! What the writer knows of the file: topics, groups, and what the current transaction changes of them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use septet_contract::Timestamp;
use sqlx::{Row as _, SqliteConnection};
use tokio::time::Instant;

use super::{
    catalog::{self, Cell, Topics},
    group,
    rows::{self, Row},
    shared::{Commit, Shared, View, lock},
    writer::State,
};
use crate::log::KeptRange;

/// The table of records and its columns, as [`Row`] has them.
const RECORDS: &str = r#"records (partition_id, "offset", timestamp, "key", headers, value)"#;

/// State of the log's writer.
pub(super) struct Ledger {
    pub(super) shared: Arc<Shared>,
    pub(super) topics: Arc<Topics>,
    /// What the transaction changes of partitions, by id.
    pub(super) staged: HashMap<i64, Staged>,
    /// Records that the transaction appends.
    pub(super) rows: Vec<Row>,
    /// Groups whose members changed in the transaction.
    pub(super) unsettled: BTreeSet<String>,
    /// The latest time given to a record, so that offsets and times rise together.
    pub(super) clock: Timestamp,
    /// Where the next record without a key goes.
    pub(super) turn: u32,
    flushed: Vec<((String, i64), Commit)>,
    views: Vec<(String, Arc<View>)>,
    /// Changes when another process has written.
    data_version: i64,
    /// What is in memory may differ from the file.
    stale: bool,
    renewed: Option<Instant>,
}

/// A partition within a transaction.
pub(super) struct Staged {
    pub(super) cell: Arc<Cell>,
    pub(super) range: KeptRange,
    pub(super) appended_bytes: i64,
}

impl Ledger {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            topics: Arc::default(),
            staged: HashMap::new(),
            rows: Vec::new(),
            unsettled: BTreeSet::new(),
            clock: Timestamp::default(),
            turn: 0,
            flushed: Vec::new(),
            views: Vec::new(),
            data_version: 0,
            stale: true,
            renewed: None,
        }
    }

    /// Reads topics and ranges from the file, and has all groups of this process looked at.
    pub(super) async fn load(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let (topics, ranges) = catalog::load(&self.topics, tx).await?;
        self.topics = Arc::new(topics);
        for (cell, range) in ranges {
            if *cell.range.borrow() != range {
                // What the transaction has changed already is newer than what is in the table.
                self.staged.entry(cell.id).or_insert(Staged { cell, range, appended_bytes: 0 });
            }
        }
        Ok(())
    }

    /// The partition as the transaction has it so far.
    pub(super) fn stage(&mut self, cell: &Arc<Cell>) -> &mut Staged {
        self.staged.entry(cell.id).or_insert_with(|| Staged {
            cell: cell.clone(),
            range: *cell.range.borrow(),
            appended_bytes: 0,
        })
    }

    /// Writes the positions that members committed since the last transaction, unless their lease is over.
    async fn flush_commits(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.flushed =
            lock(&self.shared.commits).iter().map(|(at, commit)| (at.clone(), commit.clone())).collect();
        for ((group, partition), commit) in &self.flushed {
            let written = sqlx::query(
                "INSERT INTO offsets (grp, partition_id, next)
                 SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM assignments
                     WHERE grp = $1 AND partition_id = $2 AND owner = $4 AND epoch = $5)
                 ON CONFLICT (grp, partition_id) DO UPDATE SET next = excluded.next",
            )
            .bind(group)
            .bind(partition)
            .bind(commit.next)
            .bind(&commit.lease.member)
            .bind(commit.lease.epoch)
            .execute(&mut *tx)
            .await?;
            if written.rows_affected() == 0 {
                tracing::warn!(
                    %group,
                    topic = %commit.lease.cell.topic,
                    partition = commit.lease.cell.number,
                    "a position was committed after the lease had ended; its records come again"
                );
            }
        }
        Ok(())
    }

    /// Renews this process's members and ends those of processes that stopped renewing theirs.
    async fn renew(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let now = Timestamp::now();
        sqlx::query("UPDATE members SET expires = $1 WHERE instance = $2")
            .bind(now.after(self.shared.options.lease).micros())
            .bind(&self.shared.instance)
            .execute(&mut *tx)
            .await?;
        let expired = sqlx::query("DELETE FROM members WHERE expires < $1 RETURNING grp, member")
            .bind(now.micros())
            .fetch_all(tx)
            .await?;
        for row in expired {
            let (group, member): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            tracing::warn!(%group, %member, "a member stopped renewing its leases; others take them over");
            self.unsettled.insert(group);
        }
        self.renewed = Some(Instant::now());
        Ok(())
    }

    fn renewal_due(&self) -> bool {
        let every: Duration = self.shared.options.lease / 3;
        self.renewed.is_none_or(|renewed| renewed.elapsed() >= every) && !lock(&self.shared.groups).is_empty()
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
        }
        self.flush_commits(tx).await?;
        if self.renewal_due() {
            self.renew(tx).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        rows::insert(&mut self.rows, RECORDS, tx).await?;
        for staged in self.staged.values().filter(|staged| staged.appended_bytes > 0) {
            sqlx::query("UPDATE partitions SET next_offset = $1, bytes = bytes + $2 WHERE id = $3")
                .bind(staged.range.end)
                .bind(staged.appended_bytes)
                .bind(staged.cell.id)
                .execute(&mut *tx)
                .await?;
        }
        for group in &self.unsettled {
            group::settle(group, &self.topics, tx).await?;
        }
        let watched: Vec<String> = lock(&self.shared.groups)
            .keys()
            .filter(|group| self.stale || self.unsettled.contains(*group))
            .cloned()
            .collect();
        for group in watched {
            let view = group::view(&group, &self.topics, tx).await?;
            self.views.push((group, Arc::new(view)));
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.stale = false;
        self.unsettled.clear();
        *self.shared.topics.write().unwrap_or_else(PoisonError::into_inner) = self.topics.clone();
        for (_, staged) in self.staged.drain() {
            staged.cell.range.send_if_modified(|range| {
                let changed = *range != staged.range;
                *range = staged.range;
                changed
            });
        }
        let mut commits = lock(&self.shared.commits);
        for (at, flushed) in self.flushed.drain(..) {
            // A position that was committed meanwhile stays for the next transaction.
            if commits
                .get(&at)
                .is_some_and(|now| now.next == flushed.next && Arc::ptr_eq(&now.lease, &flushed.lease))
            {
                commits.remove(&at);
            }
        }
        drop(commits);
        let mut groups = lock(&self.shared.groups);
        for (group, view) in self.views.drain(..) {
            if let Some(watch) = groups.get(&group)
                && watch.send(view).is_err()
            {
                groups.remove(&group);
            }
        }
    }

    fn rolled_back(&mut self) {
        self.stale = true;
        self.renewed = None;
        self.topics = self.shared.topics();
        self.staged.clear();
        self.rows.clear();
        self.unsettled.clear();
        self.flushed.clear();
        self.views.clear();
    }

    async fn tick(&mut self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        self.stale |= self.foreign_change(connection).await?;
        Ok(self.stale || self.renewal_due() || !lock(&self.shared.commits).is_empty())
    }

    async fn close(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        group::clear(Some(&self.shared.instance), tx).await?.into_iter().for_each(|group| {
            self.unsettled.insert(group);
        });
        Ok(())
    }
}

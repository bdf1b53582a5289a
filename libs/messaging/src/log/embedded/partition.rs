//! A partition that a member reads.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    cursor::{self, Cursor},
    group::Flush,
    lease::{Held, Lease},
    ledger::Ledger,
    shared::Shared,
    writer::Writer,
};
use crate::log::{Fetched, LogError, Partition};

/// Reads a partition for as long as its lease is held.
pub(super) struct LeasedPartition {
    shared: Arc<Shared>,
    writer: Writer<Ledger>,
    lease: Arc<Lease>,
    cursor: Cursor,
    /// Whether the cursor stands at the group's position.
    placed: bool,
}

impl LeasedPartition {
    pub(super) fn new(shared: Arc<Shared>, writer: Writer<Ledger>, lease: Arc<Lease>) -> Self {
        let cursor = Cursor::new(shared.clone(), lease.cell.clone(), &lease.group);
        Self { shared, writer, lease, cursor, placed: false }
    }

    async fn read(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        if !self.placed {
            let positions = cursor::positions(&self.shared, &self.lease.group).await?;
            if let Some(position) = positions.get(&self.lease.cell.id) {
                self.cursor.position = *position;
            }
            self.placed = true;
        }
        self.cursor.next(max).await
    }
}

#[async_trait]
impl Partition for LeasedPartition {
    fn topic(&self) -> &str {
        &self.lease.cell.topic
    }

    fn partition(&self) -> i32 {
        self.lease.cell.number
    }

    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        let mut held = self.lease.held.subscribe();
        tokio::select! {
            biased;
            _ = held.wait_for(|held| *held != Held::Whole) => Err(LogError::Closed),
            batch = self.read(max) => batch,
        }
    }

    async fn commit(&mut self, next: i64) -> Result<(), LogError> {
        self.lease.commit(&self.shared, next)
    }

    fn lag(&self) -> Option<u64> {
        self.placed.then(|| self.cursor.lag())
    }
}

impl Drop for LeasedPartition {
    fn drop(&mut self) {
        self.writer.post(Flush);
        self.lease.dropped.cancel();
    }
}

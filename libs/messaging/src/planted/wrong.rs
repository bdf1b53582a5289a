//! What the faults do, where it takes more than a line.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use prost::Message;
use septet_contract::Record;
use septet_store::{StoreError, Tx};

use crate::{
    Cx, CxError, Lane, RequestKey, Units,
    batch::BatchHandler,
    delivery::Delivery,
    log::Partition,
    outbox::{self, Draft, Row},
    queue::{Lease, QueueError},
    request,
};

/// Commits the position behind all that was fetched.
pub(crate) async fn commit_all(partition: &mut dyn Partition, fetched: &[(i64, Delivery)]) {
    let next = fetched.last().map_or(0, |(offset, _)| offset + 1);
    if let Err(error) = partition.commit(next).await {
        tracing::warn!(%error, "the fault was not planted");
    }
}

/// Handles each once, and those that fail again at the end.
pub(crate) async fn retry_last(handler: &BatchHandler, deliveries: &[(i64, Delivery)]) -> Option<i64> {
    let mut failed = Vec::new();
    for (_, delivery) in deliveries {
        if let Delivery::Event(event) = delivery
            && handler.handle_once(event, 0).await.is_err()
        {
            failed.push(delivery);
        }
    }
    for delivery in failed {
        handler.handle_alone(delivery).await;
    }
    deliveries.last().map(|(offset, _)| offset + 1)
}

/// Commits the state, and then the outbox in any case.
pub(crate) async fn commit_in_two(units: &Units, state: Option<Tx>, drafts: &[Draft]) -> Result<(), CxError> {
    let committed = match state {
        Some(tx) => tx.commit().await,
        None => Ok(()),
    };
    let mut tx = units.store().begin().await?;
    outbox::insert(&mut tx, drafts).await?;
    tx.commit().await?;
    Ok(committed?)
}

/// Commits the work, and then the reply in any case.
pub(crate) async fn commit_reply_apart<R: Message>(
    cx: Cx,
    key: Option<&RequestKey>,
    reply: &R,
) -> Result<(), CxError> {
    let (units, now) = (cx.units().clone(), cx.now());
    let done = cx.commit().await;
    if let Some(key) = key {
        let mut tx = units.store().begin().await?;
        request::keep(&mut tx, key, reply, now).await?;
        tx.commit().await?;
    }
    done
}

/// Deletes rows that nobody has confirmed.
pub(crate) async fn delete_first(units: &Units, rows: &[Row]) -> Result<(), StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut tx = units.store().begin().await?;
    outbox::delete(&mut tx, &ids).await?;
    tx.commit().await
}

/// The last row that was sent of each lane.
static CURSORS: [AtomicI64; 2] = [AtomicI64::new(0), AtomicI64::new(0)];

/// The rows behind the cursor.
pub(crate) fn behind_cursor(lane: Lane, mut rows: Vec<Row>) -> Vec<Row> {
    let cursor = CURSORS[lane as usize].load(Ordering::Relaxed);
    rows.retain(|row| row.id > cursor);
    rows
}

pub(crate) fn move_cursor(lane: Lane, sent: &[i64]) {
    if let Some(last) = sent.iter().max() {
        CURSORS[lane as usize].fetch_max(*last, Ordering::Relaxed);
    }
}

/// The identity under which the inbox knows a record.
pub(crate) fn old_identity(record: &Record) -> String {
    record.header("ce_id").map_or_else(String::new, |id| String::from_utf8_lossy(id).into_owned())
}

/// Acknowledges a job, and gives a lease with nothing behind it.
pub(crate) async fn acknowledged(lease: Box<dyn Lease>) -> Box<dyn Lease> {
    if let Err(error) = lease.ack().await {
        tracing::warn!(%error, "the fault was not planted");
    }
    Box::new(Acknowledged)
}

struct Acknowledged;

#[async_trait]
impl Lease for Acknowledged {
    async fn ack(self: Box<Self>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn retry(self: Box<Self>, _delay: std::time::Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

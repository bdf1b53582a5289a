//! Removing records that are older, or more, than their topic keeps.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use septet_contract::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::{
    Inner,
    append::ROW_BYTES,
    catalog::{Cell, Topic},
    fault::Fault,
    ledger::Ledger,
    writer::Write,
};

/// Records that one transaction removes.
const STEP: i64 = 500;

/// Removes what is due, again and again, until the log is closed or gone.
pub(super) async fn run(log: Weak<Inner>) {
    loop {
        let Some(inner) = log.upgrade() else { return };
        let (closed, interval) = (inner.shared.closed.clone(), inner.shared.options.retention_interval);
        let round = async {
            for topic in inner.shared.topics().values() {
                for cell in &topic.partitions {
                    while trim(&inner, topic, cell).await? {}
                }
            }
            Ok::<_, Fault>(())
        };
        tokio::select! {
            () = closed.cancelled() => return,
            outcome = round => {
                if let Err(fault) = outcome {
                    tracing::warn!(path = %inner.shared.path.display(), ?fault, "retention stopped half-way");
                }
            }
        }
        drop(inner);
        tokio::select! {
            () = closed.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

/// Removes the next few records of a partition; true if there may be more.
async fn trim(log: &Inner, topic: &Topic, cell: &Arc<Cell>) -> Result<bool, Fault> {
    let fault = |error| log.shared.fault(&error);
    let mut bytes: i64 = sqlx::query_scalar("SELECT bytes FROM partitions WHERE id = $1")
        .bind(cell.id)
        .fetch_one(&log.shared.readers)
        .await
        .map_err(fault)?;
    let expired = Timestamp::now().before(topic.retention).micros();
    let most = topic.retention_bytes.map_or(i64::MAX, |most| i64::try_from(most).unwrap_or(i64::MAX));
    let from = cell.range.borrow().start;
    let rows = sqlx::query(
        r#"SELECT "offset", timestamp,
                  coalesce(length("key"), 0) + length(headers) + coalesce(length(value), 0)
           FROM records WHERE partition_id = $1 AND "offset" >= $2 ORDER BY "offset" LIMIT $3"#,
    )
    .bind(cell.id)
    .bind(from)
    .bind(STEP)
    .fetch_all(&log.shared.readers)
    .await
    .map_err(fault)?;
    let (mut to, mut removed) = (from, 0_i64);
    for row in &rows {
        let timestamp: i64 = row.try_get(1).map_err(fault)?;
        if timestamp >= expired && bytes <= most {
            break;
        }
        let size = row.try_get::<i64, _>(2).map_err(fault)?.saturating_add(ROW_BYTES as i64);
        bytes -= size;
        removed += size;
        to = row.try_get::<i64, _>(0).map_err(fault)? + 1;
    }
    if to == from {
        return Ok(false);
    }
    log.writer.write(Trim { cell: cell.clone(), from, to, bytes: removed }).await?;
    tracing::debug!(topic = %cell.topic, partition = cell.number, records = to - from, "retention removed records");
    Ok(to - from == STEP)
}

struct Trim {
    cell: Arc<Cell>,
    from: i64,
    to: i64,
    bytes: i64,
}

#[async_trait]
impl Write<Ledger> for Trim {
    type Answer = ();

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let staged = ledger.stage(&self.cell);
        if staged.range.start != self.from {
            // Another process did it first.
            return Ok(());
        }
        staged.range.start = self.to;
        sqlx::query(r#"DELETE FROM records WHERE partition_id = $1 AND "offset" < $2"#)
            .bind(self.cell.id)
            .bind(self.to)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE partitions SET start_offset = $1, bytes = max(0, bytes - $2) WHERE id = $3")
            .bind(self.to)
            .bind(self.bytes)
            .bind(self.cell.id)
            .execute(tx)
            .await?;
        Ok(())
    }
}

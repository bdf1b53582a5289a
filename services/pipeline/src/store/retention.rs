use septet_chassis::{StoreError, Tx, on_engine};

/// Runs that are forgotten at a time.
const BATCH: i64 = 200;

/// Forgets runs that ended before a time, some at a time; gives how many.
pub(crate) async fn forget(tx: &mut Tx, before: i64) -> Result<u64, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query(
        "DELETE FROM run WHERE id IN
             (SELECT id FROM run WHERE state NOT IN (1, 2) AND finished_at < $1 ORDER BY id LIMIT $2)",
    ).bind(before).bind(BATCH).execute(conn).await.map(|done| done.rows_affected()))?)
}

//! Who executes a run: a lease that runs out, and a fence that outlives it. Every write of whoever executes a run goes
//! through [`fenced`], which fails once somebody else has taken the run, whatever the clocks say.

use septet_chassis::{StoreError, Tx, on_engine};

use super::runs::{Run, columns};

/// The right to write to a run, until somebody takes it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub run_id: String,
    pub number: i64,
}

/// Somebody else executes the run by now.
#[derive(Debug, thiserror::Error)]
#[error("the run {0} was taken over by another worker")]
pub(crate) struct Lost(pub String);

/// What came from outside while a run was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub wakes: i64,
    pub cancel_requested: bool,
}

/// Takes the run that is due for longest and that nobody executes.
pub(crate) async fn claim(tx: &mut Tx, now: i64, until: i64) -> Result<Option<Run>, StoreError> {
    // The conditions stand twice: of two that find the same run, the second looks again at what the first made of it.
    let text = format!(
        "UPDATE run SET lease_until = $2, fence = fence + 1
         WHERE id = (SELECT id FROM run WHERE state IN (1, 2) AND due_at <= $1 AND lease_until <= $1
                     ORDER BY due_at, id LIMIT 1)
           AND state IN (1, 2) AND due_at <= $1 AND lease_until <= $1
         RETURNING {}",
        columns()
    );
    Ok(on_engine!(tx, conn => sqlx::query_as(sqlx::AssertSqlSafe(text))
        .bind(now).bind(until).fetch_optional(conn).await)?)
}

/// Must come first in each write of whoever executes a run.
pub(crate) async fn fenced(tx: &mut Tx, fence: &Fence) -> Result<Result<(), Lost>, StoreError> {
    let rows = on_engine!(tx, conn =>
        sqlx::query("UPDATE run SET version = version + 1 WHERE id = $1 AND fence = $2 AND state IN (1, 2)")
            .bind(&fence.run_id).bind(fence.number).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(if rows == 1 { Ok(()) } else { Err(Lost(fence.run_id.clone())) })
}

/// Keeps the lease, and hears what came from outside.
pub(crate) async fn renew(tx: &mut Tx, fence: &Fence, until: i64) -> Result<Result<Word, Lost>, StoreError> {
    let row: Option<(i64, i64)> = on_engine!(tx, conn => sqlx::query_as(
        "UPDATE run SET lease_until = $3 WHERE id = $1 AND fence = $2 AND state IN (1, 2)
         RETURNING wakes, cancel_requested",
    ).bind(&fence.run_id).bind(fence.number).bind(until).fetch_optional(conn).await)?;
    Ok(row
        .map(|(wakes, cancel)| Word { wakes, cancel_requested: cancel != 0 })
        .ok_or_else(|| Lost(fence.run_id.clone())))
}

/// Lets go of a run in which nothing is to be done before `due_at`; false if a word came from outside meanwhile.
pub(crate) async fn park(tx: &mut Tx, fence: &Fence, wakes: i64, due_at: i64) -> Result<bool, StoreError> {
    let rows = on_engine!(tx, conn => sqlx::query(
        "UPDATE run SET lease_until = 0, due_at = $4 WHERE id = $1 AND fence = $2 AND wakes = $3",
    ).bind(&fence.run_id).bind(fence.number).bind(wakes).bind(due_at)
    .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Lets go of a run as it is, so that another need not wait for the lease's end.
pub(crate) async fn release(tx: &mut Tx, fence: &Fence) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE run SET lease_until = 0, due_at = 0 WHERE id = $1 AND fence = $2")
        .bind(&fence.run_id).bind(fence.number).execute(conn).await.map(drop))?;
    Ok(())
}

/// Whether a run is due that nobody executes.
pub(crate) async fn is_due(tx: &mut Tx, now: i64) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT due_at FROM run WHERE state IN (1, 2) AND due_at <= $1 AND lease_until <= $1 LIMIT 1",
    ).bind(now).fetch_optional(conn).await)?;
    Ok(row.is_some())
}

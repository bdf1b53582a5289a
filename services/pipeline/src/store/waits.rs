use septet_chassis::{StoreError, Tx, on_engine};

/// A step that waits for an event.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Waiting {
    pub run_id: String,
    pub position: i64,
}

/// Steps that wait for an event of this type and have heard none, at most 10,000.
pub(crate) async fn waiting(tx: &mut Tx, event_type: &str) -> Result<Vec<Waiting>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT run_id, position FROM step WHERE awaits = $1 AND awaits <> '' AND arrived = '' LIMIT 10000",
    ).bind(event_type).fetch_all(conn).await)?)
}

/// Gives a step the event that it waits for, and has its run looked at.
pub(crate) async fn arrive(tx: &mut Tx, waiting: &Waiting, event: &str) -> Result<(), StoreError> {
    // The run first, as everywhere: two that lock rows in different orders wait for each other.
    on_engine!(&mut *tx, conn =>
        sqlx::query("UPDATE run SET due_at = 0, wakes = wakes + 1, version = version + 1 WHERE id = $1 AND state IN (1, 2)")
            .bind(&waiting.run_id).execute(conn).await.map(drop))?;
    on_engine!(tx, conn => sqlx::query(
        "UPDATE step SET arrived = $3 WHERE run_id = $1 AND position = $2 AND arrived = '' AND awaits <> ''",
    ).bind(&waiting.run_id).bind(waiting.position).bind(event).execute(conn).await.map(drop))?;
    Ok(())
}

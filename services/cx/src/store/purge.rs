use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};

/// Forgets some of what is older: activities, units that were not seen since, and the units of experiments that ended
/// before. Gives how many rows; 0 when all is forgotten.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for statement in [
        "DELETE FROM activity WHERE (unit_id, id) IN
             (SELECT unit_id, id FROM activity WHERE occurred_at < $1 ORDER BY occurred_at LIMIT 1000)",
        "DELETE FROM unit WHERE id IN (SELECT id FROM unit WHERE seen_at < $1 ORDER BY seen_at LIMIT 1000)",
        "DELETE FROM exposure WHERE (unit_id, experiment_id) IN (SELECT unit_id, experiment_id FROM exposure
             WHERE experiment_id IN (SELECT id FROM experiment WHERE concluded_at < $1) LIMIT 1000)",
        "DELETE FROM contribution WHERE (unit_id, experiment_id, metric) IN
             (SELECT unit_id, experiment_id, metric FROM contribution
             WHERE experiment_id IN (SELECT id FROM experiment WHERE concluded_at < $1) LIMIT 1000)",
    ] {
        forgotten += on_engine!(&mut *tx, conn => sqlx::query(statement)
            .bind(before.micros()).execute(conn).await.map(|done| done.rows_affected()))?;
    }
    Ok(forgotten)
}

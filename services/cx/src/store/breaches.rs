use std::collections::BTreeSet;

use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_cx::v1::BreachedGuardrail;
use sqlx::QueryBuilder;

/// Metric and variation.
type Key = (String, String);

/// Guardrails of an experiment that are breached.
pub(crate) async fn breaches(tx: &mut Tx, experiment_id: &str) -> Result<BTreeSet<Key>, StoreError> {
    let rows: Vec<Key> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT metric, variation FROM breach WHERE experiment_id = $1")
            .bind(experiment_id).fetch_all(conn).await)?;
    Ok(rows.into_iter().collect())
}

/// Notes a breach.
pub(crate) async fn add_breach(
    tx: &mut Tx,
    breach: &BreachedGuardrail,
    now: Timestamp,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO breach (experiment_id, metric, variation, flag_key, reason, since) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&breach.experiment_id).bind(&breach.metric).bind(&breach.variation).bind(&breach.flag_key)
    .bind(&breach.reason).bind(now.micros()).execute(conn).await.map(drop))?;
    Ok(())
}

/// Forgets a breach that is over.
pub(crate) async fn forget_breach(tx: &mut Tx, experiment_id: &str, key: &Key) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "DELETE FROM breach WHERE experiment_id = $1 AND metric = $2 AND variation = $3",
    )
    .bind(experiment_id).bind(&key.0).bind(&key.1).execute(conn).await.map(drop))?;
    Ok(())
}

/// Forgets the breaches of an experiment that has ended.
pub(crate) async fn forget_breaches(tx: &mut Tx, experiment_id: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn =>
        sqlx::query("DELETE FROM breach WHERE experiment_id = $1").bind(experiment_id).execute(conn).await.map(drop))?;
    Ok(())
}

/// What is breached of these flags.
pub(crate) async fn breached(
    tx: &mut Tx,
    flag_keys: &[String],
) -> Result<Vec<BreachedGuardrail>, StoreError> {
    let rows: Vec<(String, String, String, String, String, i64)> = on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new(
            "SELECT flag_key, experiment_id, metric, variation, reason, since FROM breach WHERE flag_key IN (",
        );
        let mut list = statement.separated(", ");
        for key in flag_keys {
            list.push_bind(key);
        }
        statement.push(") ORDER BY flag_key, experiment_id, metric, variation");
        statement.build_query_as().fetch_all(conn).await
    })?;
    let read = |(flag_key, experiment_id, metric, variation, reason, since)| BreachedGuardrail {
        flag_key,
        experiment_id,
        metric,
        variation,
        reason,
        time: Some(Timestamp::from_micros(since).into()),
    };
    Ok(rows.into_iter().map(read).collect())
}

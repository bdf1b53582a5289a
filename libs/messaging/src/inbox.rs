use std::collections::HashSet;

use septet_contract::Timestamp;
use septet_store::{StoreError, Tx, in_time, on_engine};
use sqlx::QueryBuilder;

use crate::bulk;

/// Identity of a delivery: the CloudEvents `source` and `id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub source: String,
    pub id: String,
}

/// Enters deliveries; gives those that were not there. The same identity twice in one call is entered once.
pub(crate) async fn enter(
    tx: &mut Tx,
    consumer: &str,
    deliveries: &[Identity],
    now: Timestamp,
) -> Result<HashSet<Identity>, StoreError> {
    planted!(InboxSkipped => return Ok(deliveries.iter().cloned().collect()));
    if let Tx::Postgres(tx) = tx {
        let sources: Vec<&str> = deliveries.iter().map(|delivery| delivery.source.as_str()).collect();
        let ids: Vec<&str> = deliveries.iter().map(|delivery| delivery.id.as_str()).collect();
        let statement = sqlx::query_as(
            "INSERT INTO inbox (consumer, source, id, handled_at)
             SELECT $1, source, id, $4 FROM UNNEST($2::text[], $3::text[]) AS delivery (source, id)
             ON CONFLICT (consumer, source, id) DO NOTHING RETURNING source, id",
        )
        .bind(consumer)
        .bind(sources)
        .bind(ids)
        .bind(now.micros());
        return Ok(set_of(in_time(statement.fetch_all(&mut **tx)).await?));
    }
    let mut entered = HashSet::with_capacity(deliveries.len());
    let mut rest = deliveries;
    for size in bulk::sizes(rest.len()) {
        let (some, others) = rest.split_at(size);
        let rows: Vec<(String, String)> = on_engine!(&mut *tx, conn => {
            let mut statement = QueryBuilder::new("INSERT INTO inbox (consumer, source, id, handled_at) ");
            statement.push_values(some, |mut row, delivery| {
                row.push_bind(consumer)
                    .push_bind(&delivery.source)
                    .push_bind(&delivery.id)
                    .push_bind(now.micros());
            });
            statement.push(" ON CONFLICT (consumer, source, id) DO NOTHING RETURNING source, id");
            statement.build_query_as().fetch_all(conn).await
        })?;
        entered.extend(set_of(rows));
        rest = others;
    }
    Ok(entered)
}

fn set_of(rows: Vec<(String, String)>) -> HashSet<Identity> {
    rows.into_iter().map(|(source, id)| Identity { source, id }).collect()
}

/// Takes deliveries out again that were entered in this transaction and are not handled in it.
pub(crate) async fn leave(tx: &mut Tx, consumer: &str, deliveries: &[Identity]) -> Result<(), StoreError> {
    for delivery in deliveries {
        on_engine!(&mut *tx, conn => sqlx::query(
            "DELETE FROM inbox WHERE consumer = $1 AND source = $2 AND id = $3",
        )
        .bind(consumer).bind(&delivery.source).bind(&delivery.id).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// True if the delivery was entered before.
pub(crate) async fn contains(tx: &mut Tx, consumer: &str, delivery: &Identity) -> Result<bool, StoreError> {
    let found: Option<(i64,)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT handled_at FROM inbox WHERE consumer = $1 AND source = $2 AND id = $3",
    )
    .bind(consumer).bind(&delivery.source).bind(&delivery.id).fetch_optional(conn).await)?;
    Ok(found.is_some())
}

/// Forgets deliveries, stored replies and begun attempts from before `time`, some at a time; gives how many.
pub(crate) async fn forget(tx: &mut Tx, time: Timestamp) -> Result<u64, StoreError> {
    let inbox = on_engine!(&mut *tx, conn => sqlx::query(
        "DELETE FROM inbox WHERE (consumer, source, id) IN
             (SELECT consumer, source, id FROM inbox WHERE handled_at < $1 LIMIT 1000)",
    )
    .bind(time.micros()).execute(conn).await.map(|done| done.rows_affected()))?;
    let replies = on_engine!(&mut *tx, conn => sqlx::query(
        "DELETE FROM request WHERE (method, caller, request_id) IN
             (SELECT method, caller, request_id FROM request WHERE created_at < $1 LIMIT 1000)",
    )
    .bind(time.micros()).execute(conn).await.map(|done| done.rows_affected()))?;
    let starts = on_engine!(tx, conn => sqlx::query(
        "DELETE FROM job_start WHERE (source, id) IN
             (SELECT source, id FROM job_start WHERE started_at < $1 LIMIT 1000)",
    )
    .bind(time.micros()).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(inbox + replies + starts)
}

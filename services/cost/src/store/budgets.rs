use prost::Message;
use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_cost::v1::Budget;

use crate::day::Month;

/// Sets a budget, in the place of an earlier one with its id.
pub(crate) async fn put_budget(tx: &mut Tx, budget: &Budget) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO budget (id, repository, data) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET repository = excluded.repository, data = excluded.data",
    )
    .bind(&budget.id).bind(&budget.repository).bind(budget.encode_to_vec()).execute(conn).await.map(drop))?;
    Ok(())
}

/// Takes a budget away; false if there is none.
pub(crate) async fn delete_budget(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let deleted = on_engine!(tx, conn => sqlx::query("DELETE FROM budget WHERE id = $1")
        .bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(deleted > 0)
}

/// Budgets by id: at most `limit`, after `after`.
pub(crate) async fn budgets(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<Budget>, StoreError> {
    let rows: Vec<(Vec<u8>,)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT data FROM budget WHERE id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after).bind(i64::from(limit)).fetch_all(conn).await)?;
    rows.into_iter().map(read).collect()
}

/// All budgets that limit charges, by id.
pub(crate) async fn charge_budgets(tx: &mut Tx) -> Result<Vec<Budget>, StoreError> {
    let rows: Vec<(Vec<u8>,)> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT data FROM budget WHERE repository = '' ORDER BY id").fetch_all(conn).await)?;
    rows.into_iter().map(read).collect()
}

/// Budgets that limit what a repository's changes deploy, by id.
pub(crate) async fn release_budgets(tx: &mut Tx, id: &str, name: &str) -> Result<Vec<Budget>, StoreError> {
    let rows: Vec<(Vec<u8>,)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT data FROM budget WHERE repository <> '' AND (repository = $1 OR repository = $2) ORDER BY id",
    )
    .bind(id).bind(name).fetch_all(conn).await)?;
    rows.into_iter().map(read).collect()
}

/// Waits until nobody else looks at budgets; until the end of the transaction nobody will.
pub(crate) async fn take_turn(tx: &mut Tx) -> Result<(), StoreError> {
    on_engine!(tx, conn =>
        sqlx::query("UPDATE budget_turn SET turn = turn + 1 WHERE only_one = 1").execute(conn).await.map(drop))?;
    Ok(())
}

/// Enters that a threshold was told of; false if it was before.
pub(crate) async fn enter_breach(
    tx: &mut Tx,
    budget_id: &str,
    month: Month,
    threshold: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let entered = on_engine!(tx, conn => sqlx::query(
        "INSERT INTO breach (budget_id, month, threshold, told_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (budget_id, month, threshold) DO NOTHING",
    )
    .bind(budget_id).bind(month).bind(i64::from(threshold)).bind(now.micros())
    .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(entered > 0)
}

fn read((data,): (Vec<u8>,)) -> Result<Budget, StoreError> {
    Budget::decode(data.as_slice())
        .map_err(|error| StoreError::Statement(format!("the table budget has a row that is none: {error}")))
}

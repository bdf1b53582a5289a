use prost::Message;
use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::Estimate;
use uuid::Uuid;

/// Which estimates.
#[derive(Default)]
pub(crate) struct EstimatesFilter {
    /// Empty for all.
    pub repository_id: String,
    pub verdict: Verdict,
}

/// Keeps a change's estimate; false if it has one already.
pub(crate) async fn save_estimate(tx: &mut Tx, estimate: &Estimate) -> Result<bool, StoreError> {
    let saved = on_engine!(tx, conn => sqlx::query(
        "INSERT INTO estimate (id, change_id, repository_id, verdict, data) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (change_id) DO NOTHING",
    )
    .bind(Uuid::now_v7().to_string()).bind(&estimate.change_id).bind(&estimate.repository_id)
    .bind(i64::from(estimate.verdict)).bind(estimate.encode_to_vec())
    .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(saved > 0)
}

/// The estimate of this change.
pub(crate) async fn estimate_of(tx: &mut Tx, change_id: &str) -> Result<Option<Estimate>, StoreError> {
    let row: Option<(Vec<u8>,)> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT data FROM estimate WHERE change_id = $1").bind(change_id).fetch_optional(conn).await)?;
    row.map(|(data,)| read(&data)).transpose()
}

/// Estimates with their ids, newest first: at most `limit`, with ids below `before` where that is not empty.
pub(crate) async fn estimates(
    tx: &mut Tx,
    filter: &EstimatesFilter,
    before: &str,
    limit: u32,
) -> Result<Vec<(String, Estimate)>, StoreError> {
    let rows: Vec<(String, Vec<u8>)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT id, data FROM estimate
         WHERE ($1 = '' OR repository_id = $1) AND ($2 = 0 OR verdict = $2) AND ($3 = '' OR id < $3)
         ORDER BY id DESC LIMIT $4",
    )
    .bind(&filter.repository_id).bind(i64::from(filter.verdict as i32)).bind(before).bind(i64::from(limit))
    .fetch_all(conn).await)?;
    rows.into_iter().map(|(id, data)| Ok((id, read(&data)?))).collect()
}

fn read(data: &[u8]) -> Result<Estimate, StoreError> {
    Estimate::decode(data)
        .map_err(|error| StoreError::Statement(format!("the table estimate has a row that is none: {error}")))
}

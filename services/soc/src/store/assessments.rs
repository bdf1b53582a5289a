use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_soc::v1::Assessment;

/// Keeps what is said of a change; false if something was said before, which stays.
pub(crate) async fn assess(
    tx: &mut Tx,
    change_id: &str,
    assessment: &Assessment,
) -> Result<bool, StoreError> {
    let inserted = on_engine!(tx, conn => sqlx::query(
        "INSERT INTO assessment (change_id, repository_id, assessed_at, assessment) VALUES ($1, $2, $3, $4)
         ON CONFLICT (change_id) DO NOTHING",
    )
    .bind(change_id).bind(&assessment.repository_id)
    .bind(assessment.time.map_or(0, |time| Timestamp::from(time).micros()))
    .bind(prost::Message::encode_to_vec(assessment))
    .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(inserted == 1)
}

/// What was said of a change.
pub(crate) async fn assessment(tx: &mut Tx, change_id: &str) -> Result<Option<Assessment>, StoreError> {
    let found: Option<Vec<u8>> = on_engine!(tx, conn =>
        sqlx::query_scalar("SELECT assessment FROM assessment WHERE change_id = $1")
            .bind(change_id).fetch_optional(conn).await)?;
    let decode = |bytes: Vec<u8>| {
        prost::Message::decode(bytes.as_slice()).map_err(|error| {
            StoreError::Statement(format!("the table assessment has a row that is none: {error}"))
        })
    };
    found.map(decode).transpose()
}

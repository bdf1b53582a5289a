use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_docs::v1::DocsCheck;

/// A check as it is kept.
pub(crate) struct Checked {
    pub change_id: String,
    pub check: DocsCheck,
    /// True where coverage was measured at this change.
    pub measured: bool,
}

/// True if a change was checked.
pub(crate) async fn is_checked(tx: &mut Tx, change_id: &str) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT verdict FROM docs_check WHERE change_id = $1").bind(change_id).fetch_optional(conn).await)?;
    Ok(row.is_some())
}

/// Keeps a check. False if the change was checked before: then nothing is changed.
pub(crate) async fn save(tx: &mut Tx, checked: &Checked) -> Result<bool, StoreError> {
    let check = &checked.check;
    let rows = on_engine!(tx, conn => sqlx::query(
        "INSERT INTO docs_check (change_id, repository_id, repository_name, commit_hash, verdict, reason, breaking,
             stale_pages, measured, checked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (change_id) DO NOTHING",
    )
    .bind(&checked.change_id).bind(&check.repository_id).bind(&check.repository_name).bind(&check.commit)
    .bind(i64::from(check.verdict)).bind(&check.reason).bind(i64::from(check.breaking))
    .bind(i64::from(check.stale_pages)).bind(i64::from(checked.measured))
    .bind(check.time.map_or(0, |time| Timestamp::from(time).micros()))
    .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

/// Repository, commit and time of a checked change.
pub(crate) async fn by_change(tx: &mut Tx, change_id: &str) -> Result<Option<(String, i64)>, StoreError> {
    Ok(on_engine!(tx, conn =>
        sqlx::query_as("SELECT repository_id, checked_at FROM docs_check WHERE change_id = $1")
            .bind(change_id).fetch_optional(conn).await)?)
}

/// The last change of a repository that coverage was measured at, up to a time: its id and commit.
pub(crate) async fn latest_measured(
    tx: &mut Tx,
    repository_id: &str,
    until: i64,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT change_id, commit_hash FROM docs_check
         WHERE repository_id = $1 AND measured = 1 AND checked_at <= $2
         ORDER BY checked_at DESC, change_id DESC LIMIT 1",
    )
    .bind(repository_id).bind(until).fetch_optional(conn).await)?)
}

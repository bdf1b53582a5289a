use septet_chassis::{StoreError, Tx, on_engine};

/// A change without its files.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Change {
    /// Order of import over all repositories.
    pub seq: i64,
    pub id: String,
    pub repository_id: String,
    pub repository_name: String,
    pub commit_id: String,
    pub ref_name: String,
    /// Hashes with blanks between.
    pub parents: String,
    pub author_name: String,
    pub author_email: String,
    /// Microseconds.
    pub authored_at: i64,
    /// Microseconds.
    pub committed_at: i64,
    pub subject: String,
    pub files_total: i64,
}

/// What a prefix of a commit's hash leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    One(Box<Change>),
    Several,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.seq, c.id, c.repository_id, r.name AS repository_name, c.commit_id, c.ref_name, c.parents,
             c.author_name, c.author_email, c.authored_at, c.committed_at, c.subject, c.files_total
             FROM change c JOIN repository r ON r.id = c.repository_id ",
            $rest
        )
    };
}

/// The number of the last change. Until the commit, no other transaction gives numbers: whoever reads in their order
/// misses none.
pub(crate) async fn begin_numbering(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_scalar(
        "UPDATE change_sequence SET last_seq = last_seq WHERE id = 1 RETURNING last_seq"
    )
    .fetch_one(conn).await)?)
}

/// Notes the last number that was given.
pub(crate) async fn end_numbering(tx: &mut Tx, last: i64) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE change_sequence SET last_seq = $1 WHERE id = 1")
        .bind(last).execute(conn).await.map(drop))?;
    Ok(())
}

/// The number of the last change.
pub(crate) async fn last_number(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_scalar("SELECT last_seq FROM change_sequence WHERE id = 1")
        .fetch_one(conn).await)?)
}

/// Adds a change; false if its commit is there already.
pub(crate) async fn insert(tx: &mut Tx, change: &Change, files: &[u8]) -> Result<bool, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query(
        "INSERT INTO change (seq, id, repository_id, commit_id, ref_name, parents, author_name, author_email,
         authored_at, committed_at, subject, files_total, files)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (repository_id, commit_id) DO NOTHING"
    )
    .bind(change.seq).bind(&change.id).bind(&change.repository_id).bind(&change.commit_id).bind(&change.ref_name)
    .bind(&change.parents).bind(&change.author_name).bind(&change.author_email).bind(change.authored_at)
    .bind(change.committed_at).bind(&change.subject).bind(change.files_total).bind(files)
    .execute(conn).await.map(|done| done.rows_affected()))?
        == 1)
}

/// True if a commit is imported.
pub(crate) async fn is_known(tx: &mut Tx, repository_id: &str, commit: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = on_engine!(tx, conn => sqlx::query_scalar(
        "SELECT seq FROM change WHERE repository_id = $1 AND commit_id = $2"
    )
    .bind(repository_id).bind(commit).fetch_optional(conn).await)?;
    Ok(found.is_some())
}

/// Hashes of the imported commits with numbers above `after`, in order, with the numbers.
pub(crate) async fn known_commits(
    tx: &mut Tx,
    repository_id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT seq, commit_id FROM change WHERE repository_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
    )
    .bind(repository_id).bind(after).bind(limit).fetch_all(conn).await)?)
}

/// A change by its id.
pub(crate) async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Change>, StoreError> {
    Ok(
        on_engine!(tx, conn => sqlx::query_as(select!("WHERE c.id = $1")).bind(id).fetch_optional(conn).await)?,
    )
}

/// A change by the beginning of its commit's hash, in lower-case hexadecimal.
pub(crate) async fn by_commit(tx: &mut Tx, repository_id: &str, prefix: &str) -> Result<Found, StoreError> {
    // All hashes that begin with it sort before it with a `g` behind.
    let end = format!("{prefix}g");
    let mut found: Vec<Change> = on_engine!(tx, conn => sqlx::query_as(select!(
        "WHERE c.repository_id = $1 AND c.commit_id >= $2 AND c.commit_id < $3 ORDER BY c.commit_id LIMIT 2"
    ))
    .bind(repository_id).bind(prefix).bind(end).fetch_all(conn).await)?;
    Ok(match (found.pop(), found.pop()) {
        (None, _) => Found::Nothing,
        (Some(change), None) => Found::One(Box::new(change)),
        _ => Found::Several,
    })
}

/// A change's files, as they were given to [`insert`].
pub(crate) async fn files(tx: &mut Tx, id: &str) -> Result<Vec<u8>, StoreError> {
    let found: Option<Vec<u8>> = on_engine!(tx, conn => sqlx::query_scalar("SELECT files FROM change WHERE id = $1")
        .bind(id).fetch_optional(conn).await)?;
    Ok(found.unwrap_or_default())
}

/// Changes with numbers below `seq`, newest first.
pub(crate) async fn before(tx: &mut Tx, seq: i64, limit: i64) -> Result<Vec<Change>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(select!("WHERE c.seq < $1 ORDER BY c.seq DESC LIMIT $2"))
        .bind(seq).bind(limit).fetch_all(conn).await)?)
}

/// Changes of a repository with numbers below `seq`, newest first.
pub(crate) async fn before_of(
    tx: &mut Tx,
    repository_id: &str,
    seq: i64,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(select!(
        "WHERE c.repository_id = $1 AND c.seq < $2 ORDER BY c.seq DESC LIMIT $3"
    ))
    .bind(repository_id).bind(seq).bind(limit).fetch_all(conn).await)?)
}

/// Changes with numbers above `seq`, oldest first.
pub(crate) async fn after(tx: &mut Tx, seq: i64, limit: i64) -> Result<Vec<Change>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(select!("WHERE c.seq > $1 ORDER BY c.seq LIMIT $2"))
        .bind(seq).bind(limit).fetch_all(conn).await)?)
}

/// Changes of a repository with numbers above `seq`, oldest first.
pub(crate) async fn after_of(
    tx: &mut Tx,
    repository_id: &str,
    seq: i64,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(select!(
        "WHERE c.repository_id = $1 AND c.seq > $2 ORDER BY c.seq LIMIT $3"
    ))
    .bind(repository_id).bind(seq).bind(limit).fetch_all(conn).await)?)
}

use septet_chassis::{StoreError, Tx, on_engine};

/// A watched repository.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Repository {
    pub id: String,
    pub name: String,
    /// Absolute path or URL.
    pub location: String,
    /// See [`crate::since`].
    pub since: String,
    /// Microseconds.
    pub registered_at: i64,
    /// Commits imported.
    pub changes: i64,
    /// 1 until all that `since` selects is imported.
    pub importing: i64,
    /// Why the last look failed; empty if it did not.
    pub last_error: String,
    /// Digest of the refs at the last look that ended.
    pub refs_digest: String,
    /// An import is queued or runs; not believed after this time, in microseconds.
    pub queued_until: i64,
}

/// A repository that somebody wants watched.
pub(crate) struct NewRepository<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub location: &'a str,
    pub since: &'a str,
    /// Microseconds.
    pub now: i64,
    pub queued_until: i64,
}

/// What an import has come to.
pub(crate) struct Import<'a> {
    pub repository_id: &'a str,
    /// What it has selected commits by.
    pub since: &'a str,
    /// The refs that it has imported.
    pub refs_digest: &'a str,
}

macro_rules! columns {
    () => {
        "id, name, location, since, registered_at, changes, importing, last_error, refs_digest, queued_until"
    };
}

/// Adds the repository, or gives the one that is there; queued for an import either way. Locks it until the commit.
pub(crate) async fn register(tx: &mut Tx, new: &NewRepository<'_>) -> Result<Repository, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(concat!(
        "INSERT INTO repository (", columns!(), ") VALUES ($1, $2, $3, $4, $5, 0, 1, '', '', $6)
         ON CONFLICT (id) DO UPDATE SET queued_until = excluded.queued_until RETURNING ", columns!()
    ))
    .bind(new.id).bind(new.name).bind(new.location).bind(new.since).bind(new.now).bind(new.queued_until)
    .fetch_one(conn).await)?)
}

/// Lets history begin elsewhere; it has to be imported then.
pub(crate) async fn widen(tx: &mut Tx, id: &str, since: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE repository SET since = $2, importing = 1 WHERE id = $1")
        .bind(id).bind(since).execute(conn).await.map(drop))?;
    Ok(())
}

/// One repository.
pub(crate) async fn repository(tx: &mut Tx, id: &str) -> Result<Option<Repository>, StoreError> {
    Ok(
        on_engine!(tx, conn => sqlx::query_as(concat!("SELECT ", columns!(), " FROM repository WHERE id = $1"))
        .bind(id).fetch_optional(conn).await)?,
    )
}

/// All of them.
pub(crate) async fn repositories(tx: &mut Tx) -> Result<Vec<Repository>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(concat!("SELECT ", columns!(), " FROM repository ORDER BY id"))
        .fetch_all(conn).await)?)
}

/// Those that follow the repository `after` by name; from the first where it is empty.
pub(crate) async fn page(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Repository>, StoreError> {
    if after.is_empty() {
        return Ok(on_engine!(tx, conn => sqlx::query_as(concat!(
            "SELECT ", columns!(), " FROM repository ORDER BY name, id LIMIT $1"
        ))
        .bind(limit).fetch_all(conn).await)?);
    }
    Ok(on_engine!(tx, conn => sqlx::query_as(concat!(
        "SELECT ", columns!(), " FROM repository
         WHERE (name, id) > (SELECT name, id FROM repository WHERE id = $1) ORDER BY name, id LIMIT $2"
    ))
    .bind(after).bind(limit).fetch_all(conn).await)?)
}

/// Notes that an import is queued, unless one is already: then false.
pub(crate) async fn queue(tx: &mut Tx, id: &str, now: i64, until: i64) -> Result<bool, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query(
        "UPDATE repository SET queued_until = $3 WHERE id = $1 AND queued_until < $2"
    )
    .bind(id).bind(now).bind(until).execute(conn).await.map(|done| done.rows_affected()))?
        == 1)
}

/// Notes that an import goes on, with so many more changes.
pub(crate) async fn progress(tx: &mut Tx, id: &str, imported: i64, until: i64) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE repository SET changes = changes + $2, queued_until = $3 WHERE id = $1"
    )
    .bind(id).bind(imported).bind(until).execute(conn).await.map(drop))?;
    Ok(())
}

/// Notes that there was nothing to import.
pub(crate) async fn release(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE repository SET queued_until = 0 WHERE id = $1")
        .bind(id).execute(conn).await.map(drop))?;
    Ok(())
}

/// Notes that everything is imported. False if history was widened meanwhile, so that there is more to do.
pub(crate) async fn finish(tx: &mut Tx, import: &Import<'_>) -> Result<bool, StoreError> {
    on_engine!(&mut *tx, conn => sqlx::query(
        "UPDATE repository SET last_error = '', refs_digest = $2, queued_until = 0 WHERE id = $1"
    )
    .bind(import.repository_id).bind(import.refs_digest).execute(conn).await.map(drop))?;
    Ok(on_engine!(tx, conn => sqlx::query("UPDATE repository SET importing = 0 WHERE id = $1 AND since = $2")
        .bind(import.repository_id).bind(import.since).execute(conn).await.map(|done| done.rows_affected()))?
        == 1)
}

/// Notes why an import failed, and at which refs; false if that is known already.
pub(crate) async fn note_failure(
    tx: &mut Tx,
    id: &str,
    error: &str,
    refs_digest: Option<&str>,
) -> Result<bool, StoreError> {
    if let Some(digest) = refs_digest {
        on_engine!(&mut *tx, conn => sqlx::query("UPDATE repository SET refs_digest = $2 WHERE id = $1")
            .bind(id).bind(digest).execute(conn).await.map(drop))?;
    }
    let new = note_look(&mut *tx, id, error).await?;
    release(tx, id).await?;
    Ok(new)
}

/// Notes why a look failed; false if that is known already.
pub(crate) async fn note_look(tx: &mut Tx, id: &str, error: &str) -> Result<bool, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query(
        "UPDATE repository SET last_error = $2 WHERE id = $1 AND last_error <> $2"
    )
    .bind(id).bind(error).execute(conn).await.map(|done| done.rows_affected()))?
        == 1)
}

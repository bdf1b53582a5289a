use septet_chassis::{StoreError, Tx, on_engine};

/// A change's release.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Release {
    pub change_id: String,
    /// Its change's number.
    pub seq: i64,
    pub repository_id: String,
    pub repository_name: String,
    pub commit_id: String,
    /// `septet.devops.v1.RepositorySettings`.
    pub settings: Vec<u8>,
    /// See [`crate::release::Words`].
    pub words: String,
    /// `septet.devops.v1.ReleaseState`.
    pub state: i64,
    /// `septet.devops.v1.Release` with its state, reasons and checks alone.
    pub decision: Vec<u8>,
    /// 0 until it is decided.
    pub revision: i64,
    /// Microseconds.
    pub decided_at: i64,
}

/// Which releases to list.
pub(crate) struct Listing<'a> {
    /// Empty for all.
    pub repository_id: &'a str,
    /// 0 for all.
    pub state: i64,
    /// Those with lower numbers.
    pub before: i64,
    pub limit: i64,
}

macro_rules! columns {
    () => {
        "change_id, seq, repository_id,
         (SELECT r.name FROM repository r WHERE r.id = release.repository_id) AS repository_name,
         (SELECT c.commit_id FROM change c WHERE c.id = release.change_id) AS commit_id,
         settings, words, state, decision, revision, decided_at"
    };
}

/// Adds the release of a change that is new, and the flags that it is behind.
pub(crate) async fn add_release(tx: &mut Tx, release: &Release, flags: &[String]) -> Result<(), StoreError> {
    on_engine!(&mut *tx, conn => sqlx::query(
        "INSERT INTO release
             (change_id, seq, repository_id, settings, words, state, decision, revision, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    )
    .bind(&release.change_id).bind(release.seq).bind(&release.repository_id).bind(&release.settings)
    .bind(&release.words).bind(release.state).bind(&release.decision).bind(release.revision).bind(release.decided_at)
    .execute(conn).await.map(drop))?;
    for flag in flags {
        on_engine!(&mut *tx, conn => sqlx::query(
            "INSERT INTO release_flag (flag_key, seq, change_id) VALUES ($1, $2, $3)
             ON CONFLICT (flag_key, seq) DO NOTHING"
        )
        .bind(flag).bind(release.seq).bind(&release.change_id).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// A release, locked until the commit: whoever decides it next sees what was decided before.
pub(crate) async fn lock_release(tx: &mut Tx, change_id: &str) -> Result<Option<Release>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(concat!(
        "UPDATE release SET seq = seq WHERE change_id = $1 RETURNING ", columns!()
    ))
    .bind(change_id).fetch_optional(conn).await)?)
}

/// Keeps what was heard and decided.
pub(crate) async fn save_release(tx: &mut Tx, release: &Release) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE release SET words = $2, state = $3, decision = $4, revision = $5, decided_at = $6
         WHERE change_id = $1"
    )
    .bind(&release.change_id).bind(&release.words).bind(release.state).bind(&release.decision)
    .bind(release.revision).bind(release.decided_at).execute(conn).await.map(drop))?;
    Ok(())
}

/// One release.
pub(crate) async fn release(tx: &mut Tx, change_id: &str) -> Result<Option<Release>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(concat!(
        "SELECT ", columns!(), " FROM release WHERE change_id = $1"
    ))
    .bind(change_id).fetch_optional(conn).await)?)
}

/// Releases, newest change first.
pub(crate) async fn releases(tx: &mut Tx, listing: &Listing<'_>) -> Result<Vec<Release>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(concat!(
        "SELECT ", columns!(), " FROM release
         WHERE ($1 = '' OR repository_id = $1) AND ($2 = 0 OR state = $2) AND seq < $3 ORDER BY seq DESC LIMIT $4"
    ))
    .bind(listing.repository_id).bind(listing.state).bind(listing.before).bind(listing.limit)
    .fetch_all(conn).await)?)
}

/// True if no later change of its repository is imported.
pub(crate) async fn is_latest(tx: &mut Tx, repository_id: &str, seq: i64) -> Result<bool, StoreError> {
    let later: Option<i64> = on_engine!(tx, conn => sqlx::query_scalar(
        "SELECT seq FROM release WHERE repository_id = $1 AND seq > $2 ORDER BY seq LIMIT 1"
    )
    .bind(repository_id).bind(seq).fetch_optional(conn).await)?;
    Ok(later.is_none())
}

/// Numbers and changes of a repository's releases that are not in the state `eligible`, and of its latest one, newest
/// first.
pub(crate) async fn undecided(
    tx: &mut Tx,
    repository_id: &str,
    eligible: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT seq, change_id FROM release WHERE repository_id = $1 AND seq < $3
         AND (state <> $2 OR seq = (SELECT MAX(seq) FROM release WHERE repository_id = $1))
         ORDER BY seq DESC LIMIT $4"
    )
    .bind(repository_id).bind(eligible).bind(before).bind(limit).fetch_all(conn).await)?)
}

/// Changes whose releases are behind a flag and in the state `pending`, or the latest of their repository; newest first.
pub(crate) async fn behind_flag(
    tx: &mut Tx,
    flag_key: &str,
    pending: i64,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_scalar(
        "SELECT f.change_id FROM release_flag f JOIN release r ON r.change_id = f.change_id
         WHERE f.flag_key = $1 AND (r.state = $2
             OR r.seq = (SELECT MAX(l.seq) FROM release l WHERE l.repository_id = r.repository_id))
         ORDER BY f.seq DESC LIMIT $3"
    )
    .bind(flag_key).bind(pending).bind(limit).fetch_all(conn).await)?)
}

use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use sqlx::QueryBuilder;

/// A flag as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct FeatureRow {
    pub key: String,
    pub description: String,
    /// JSON.
    pub definition: String,
    pub version: i64,
    pub archived: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Rises with every change of a flag or group.
pub(crate) async fn catalog_version(tx: &mut Tx) -> Result<i64, StoreError> {
    let (version,): (i64,) = on_engine!(tx, conn =>
        sqlx::query_as("SELECT version FROM catalog WHERE only_one = 1").fetch_one(conn).await)?;
    Ok(version)
}

/// Notes that a flag or group changes. First of all in its transaction, so that changes come one after another.
pub(crate) async fn change_catalog(tx: &mut Tx) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE catalog SET version = version + 1 WHERE only_one = 1")
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Keys and definitions of the flags that are in use.
pub(crate) async fn definitions(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    let rows = on_engine!(tx, conn =>
        sqlx::query_as("SELECT key, definition FROM feature WHERE archived = 0").fetch_all(conn).await)?;
    Ok(rows)
}

/// One flag.
pub(crate) async fn feature(tx: &mut Tx, key: &str) -> Result<Option<FeatureRow>, StoreError> {
    let row = on_engine!(tx, conn =>
        sqlx::query_as("SELECT * FROM feature WHERE key = $1").bind(key).fetch_optional(conn).await)?;
    Ok(row)
}

/// Those of these keys that are flags.
pub(crate) async fn known_features(tx: &mut Tx, keys: &[String]) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new("SELECT key FROM feature WHERE key IN (");
        let mut list = statement.separated(", ");
        for key in keys {
            list.push_bind(key);
        }
        statement.push(")");
        statement.build_query_as().fetch_all(conn).await
    })?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// Flags by key: at most `limit`, after one.
pub(crate) async fn list_features(
    tx: &mut Tx,
    archived: bool,
    after: &str,
    limit: u32,
) -> Result<Vec<FeatureRow>, StoreError> {
    let rows = on_engine!(tx, conn => sqlx::query_as(
        "SELECT * FROM feature WHERE key > $1 AND archived <= $2 ORDER BY key LIMIT $3",
    )
    .bind(after).bind(i64::from(archived)).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows)
}

/// Makes a flag or replaces it, and gives it as it is then.
pub(crate) async fn put_feature(
    tx: &mut Tx,
    key: &str,
    description: &str,
    definition: &str,
    now: Timestamp,
) -> Result<FeatureRow, StoreError> {
    let row = on_engine!(tx, conn => sqlx::query_as(
        "INSERT INTO feature (key, description, definition, version, archived, created_at, updated_at)
         VALUES ($1, $2, $3, 1, 0, $4, $4)
         ON CONFLICT (key) DO UPDATE SET description = excluded.description, definition = excluded.definition,
             version = feature.version + 1, archived = 0, updated_at = excluded.updated_at
         RETURNING *",
    )
    .bind(key).bind(description).bind(definition).bind(now.micros()).fetch_one(conn).await)?;
    Ok(row)
}

/// Takes a flag out of use, and gives it as it is then.
pub(crate) async fn archive_feature(
    tx: &mut Tx,
    key: &str,
    now: Timestamp,
) -> Result<Option<FeatureRow>, StoreError> {
    let row = on_engine!(tx, conn => sqlx::query_as(
        "UPDATE feature SET version = version + 1 - archived, archived = 1, updated_at = $2 WHERE key = $1 RETURNING *",
    )
    .bind(key).bind(now.micros()).fetch_optional(conn).await)?;
    Ok(row)
}

/// Ids of groups and their members as JSON.
pub(crate) async fn saved_groups(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    let rows = on_engine!(tx, conn =>
        sqlx::query_as("SELECT id, members FROM saved_group").fetch_all(conn).await)?;
    Ok(rows)
}

/// Makes a group or replaces it.
pub(crate) async fn put_saved_group(tx: &mut Tx, id: &str, members: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO saved_group (id, members) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET members = excluded.members",
    )
    .bind(id).bind(members).execute(conn).await.map(drop))?;
    Ok(())
}

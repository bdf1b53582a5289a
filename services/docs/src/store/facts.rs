use std::sync::Arc;

use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use sqlx::QueryBuilder;

use crate::{
    snapshot::Known,
    source::{Facts, Read, VERSION},
    tree::Entry,
};

/// Blobs of one question at most: below the engines' limits on the number of binds.
pub(crate) const MAX_BLOBS: usize = 400;

/// What is known of blobs.
pub(crate) async fn facts(tx: &mut Tx, entries: &[Entry]) -> Result<Known, StoreError> {
    let mut known = Known::new();
    if entries.is_empty() {
        return Ok(known);
    }
    let rows: Vec<(String, String, Option<Vec<u8>>, String)> = on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new("SELECT blob, dialect, facts, failure FROM blob_facts WHERE version = ");
        statement.push_bind(VERSION).push(" AND blob IN (");
        let mut blobs = statement.separated(", ");
        for entry in entries {
            blobs.push_bind(&entry.blob);
        }
        statement.push(")");
        statement.build_query_as().fetch_all(conn).await
    })?;
    for (blob, dialect, facts, failure) in rows {
        let Some(entry) = entries.iter().find(|entry| entry.blob == blob && entry.dialect.name() == dialect)
        else {
            continue;
        };
        let read = match facts {
            // What cannot be read back is read again.
            Some(json) => match serde_json::from_slice::<Facts>(&json) {
                Ok(facts) => Ok(Arc::new(facts)),
                Err(_) => continue,
            },
            None => Err(failure),
        };
        known.insert((blob, entry.dialect), read);
    }
    Ok(known)
}

/// Keeps what blobs say. Another replica may have been first.
pub(crate) async fn keep_facts(
    tx: &mut Tx,
    read: &[(Entry, Read)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for some in read.chunks(100) {
        let mut rows = Vec::with_capacity(some.len());
        for (entry, read) in some {
            let (facts, failure) = match read {
                Ok(facts) => {
                    let json = serde_json::to_vec(facts)
                        .map_err(|error| StoreError::Statement(error.to_string()))?;
                    (Some(json), String::new())
                }
                Err(failure) => (None, failure.clone()),
            };
            rows.push((&entry.blob, entry.dialect.name(), facts, failure));
        }
        on_engine!(&mut *tx, conn => {
            let mut statement =
                QueryBuilder::new("INSERT INTO blob_facts (blob, dialect, version, facts, failure, read_at) ");
            statement.push_values(rows, |mut row, (blob, dialect, facts, failure)| {
                row.push_bind(blob)
                    .push_bind(dialect)
                    .push_bind(VERSION)
                    .push_bind(facts)
                    .push_bind(failure)
                    .push_bind(now.micros());
            });
            statement.push(" ON CONFLICT (blob, dialect, version) DO UPDATE SET facts = excluded.facts,
                failure = excluded.failure, read_at = excluded.read_at");
            statement.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// Forgets some of what was read before a time, or by another version of the reader; gives how many.
pub(crate) async fn forget_facts(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query(
        "DELETE FROM blob_facts WHERE blob IN (
             SELECT blob FROM blob_facts WHERE read_at < $1 OR version <> $2 LIMIT 500)
         AND (read_at < $1 OR version <> $2)",
    )
    .bind(before.micros()).bind(VERSION).execute(conn).await.map(|done| done.rows_affected()))?)
}

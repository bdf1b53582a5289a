use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_pipeline::v1;

use super::runs::time;
use crate::definition::Pipeline;

/// Keeps a pipeline in the place of an earlier one of its name.
pub(crate) async fn put(
    tx: &mut Tx,
    pipeline: &Pipeline,
    definition: &str,
    now: i64,
) -> Result<(), StoreError> {
    on_engine!(&mut *tx, conn => sqlx::query(
        "INSERT INTO pipeline (name, description, definition, put_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET description = excluded.description, definition = excluded.definition,
             put_at = excluded.put_at",
    ).bind(&pipeline.name).bind(&pipeline.description).bind(definition).bind(now).execute(conn).await.map(drop))?;
    on_engine!(&mut *tx, conn => sqlx::query("DELETE FROM pipeline_trigger WHERE pipeline = $1")
        .bind(&pipeline.name).execute(conn).await.map(drop))?;
    for trigger in &pipeline.triggers {
        on_engine!(&mut *tx, conn => sqlx::query(
            "INSERT INTO pipeline_trigger (pipeline, event_type) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        ).bind(&pipeline.name).bind(&trigger.event_type).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// The definition of this name.
pub(crate) async fn definition(tx: &mut Tx, name: &str) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT definition FROM pipeline WHERE name = $1").bind(name).fetch_optional(conn).await)?;
    Ok(row.map(|(definition,)| definition))
}

/// Definitions that an event of this type triggers.
pub(crate) async fn by_event(tx: &mut Tx, event_type: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT p.definition FROM pipeline p JOIN pipeline_trigger t ON t.pipeline = p.name
         WHERE t.event_type = $1 ORDER BY p.name",
    ).bind(event_type).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|(definition,)| definition).collect())
}

/// Pipelines by name, at most `limit`, with names above `after`.
pub(crate) async fn list(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<v1::Pipeline>, StoreError> {
    let rows: Vec<(String, String, String, i64)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT name, description, definition, put_at FROM pipeline WHERE name > $1 ORDER BY name LIMIT $2",
    ).bind(after).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows
        .into_iter()
        .map(|(name, description, definition, put_at)| {
            let triggers = Pipeline::parse(&definition).map(|pipeline| pipeline.triggers).unwrap_or_default();
            let event_types = triggers.into_iter().map(|trigger| trigger.event_type).collect();
            v1::Pipeline { name, description, definition, event_types, put_time: time(put_at) }
        })
        .collect())
}

/// Forgets a pipeline; false if there is none of this name.
pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let rows = on_engine!(tx, conn => sqlx::query("DELETE FROM pipeline WHERE name = $1")
        .bind(name).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

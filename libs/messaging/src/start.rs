use septet_contract::Timestamp;
use septet_store::{Store, StoreError, on_engine};

use crate::inbox::Identity;

/// Notes that an attempt at a job begins that the queue says is its `delivery`-th; gives which attempt it is, those counted
/// that began and came to no end. The first delivery is not noted, so that what goes well costs nothing.
pub(crate) async fn note(
    store: &Store,
    job: &Identity,
    delivery: u32,
    now: Timestamp,
) -> Result<u32, StoreError> {
    if delivery <= 1 {
        return Ok(1);
    }
    let mut tx = store.begin().await?;
    let (starts,): (i64,) = on_engine!(&mut tx, conn => sqlx::query_as(
        "INSERT INTO job_start (source, id, starts, started_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (source, id) DO UPDATE SET starts = job_start.starts + 1, started_at = excluded.started_at
         RETURNING starts",
    )
    .bind(&job.source).bind(&job.id).bind(now.micros()).fetch_one(conn).await)?;
    tx.commit().await?;
    let begun = u32::try_from(starts).unwrap_or(u32::MAX).saturating_add(1);
    Ok(begun.min(delivery))
}

use std::ops::Range;

use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_cx::v1::ActivityKind;

use crate::activity::{Activity, What};

/// Makes others who count for the same unit wait until the transaction ends.
pub(crate) async fn lock_unit(tx: &mut Tx, unit_id: &str, now: Timestamp) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO unit (id, seen_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind(unit_id).bind(now.micros()).execute(conn).await.map(drop))?;
    Ok(())
}

/// Keeps an activity; false where the unit has one with this id.
pub(crate) async fn add_activity(tx: &mut Tx, activity: &Activity) -> Result<bool, StoreError> {
    let (kind, value, properties) = match &activity.what {
        What::Exposure(_) => (ActivityKind::Exposure, 0, None),
        What::Event { value, properties } => (ActivityKind::Event, *value, properties.as_deref()),
    };
    let added = on_engine!(tx, conn => sqlx::query(
        "INSERT INTO activity (unit_id, id, kind, name, value, occurred_at, properties)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (unit_id, id) DO NOTHING",
    )
    .bind(&activity.unit_id).bind(&activity.id).bind(i64::from(kind as i32)).bind(&activity.name).bind(value)
    .bind(activity.at).bind(properties).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(added == 1)
}

/// Number of a unit's events of a name in a time, and the sum of their values in millionths.
pub(crate) async fn sum_of_events(
    tx: &mut Tx,
    unit_id: &str,
    name: &str,
    window: &Range<i64>,
) -> Result<(i64, i128), StoreError> {
    // Whole parts and rests apart: their sums stay within 64 bits.
    let (events, whole, rest): (i64, i64, i64) = on_engine!(tx, conn => sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(value / 1000000), 0) AS BIGINT),
             CAST(COALESCE(SUM(value % 1000000), 0) AS BIGINT)
         FROM activity
         WHERE unit_id = $1 AND name = $2 AND kind = $3 AND occurred_at >= $4 AND occurred_at < $5",
    )
    .bind(unit_id).bind(name).bind(i64::from(ActivityKind::Event as i32)).bind(window.start).bind(window.end)
    .fetch_one(conn).await)?;
    Ok((events, i128::from(whole) * 1_000_000 + i128::from(rest)))
}

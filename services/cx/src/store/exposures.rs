use septet_chassis::{StoreError, Tx, on_engine};

use crate::analysis::Exposure;

/// A unit's part in an experiment.
pub(crate) async fn exposure(
    tx: &mut Tx,
    unit_id: &str,
    experiment_id: &str,
) -> Result<Option<Exposure>, StoreError> {
    let row: Option<(i64, i64, i64)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT variation, exposed_at, several FROM exposure WHERE unit_id = $1 AND experiment_id = $2",
    )
    .bind(unit_id).bind(experiment_id).fetch_optional(conn).await)?;
    Ok(row.map(|(variation, at, several)| Exposure { variation, at, is_several: several != 0 }))
}

/// Keeps a unit's part in an experiment.
pub(crate) async fn put_exposure(
    tx: &mut Tx,
    unit_id: &str,
    experiment_id: &str,
    exposure: &Exposure,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO exposure (unit_id, experiment_id, variation, exposed_at, several) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (unit_id, experiment_id) DO UPDATE SET variation = excluded.variation,
             exposed_at = excluded.exposed_at, several = excluded.several",
    )
    .bind(unit_id).bind(experiment_id).bind(exposure.variation).bind(exposure.at).bind(i64::from(exposure.is_several))
    .execute(conn).await.map(drop))?;
    Ok(())
}

/// A unit's figure in a metric, in millionths.
pub(crate) async fn figure(
    tx: &mut Tx,
    unit_id: &str,
    experiment_id: &str,
    metric: &str,
) -> Result<i64, StoreError> {
    let row: Option<(i64,)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT figure FROM contribution WHERE unit_id = $1 AND experiment_id = $2 AND metric = $3",
    )
    .bind(unit_id).bind(experiment_id).bind(metric).fetch_optional(conn).await)?;
    Ok(row.map_or(0, |(figure,)| figure))
}

/// Keeps a unit's figure in a metric.
pub(crate) async fn put_figure(
    tx: &mut Tx,
    unit_id: &str,
    experiment_id: &str,
    metric: &str,
    figure: i64,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO contribution (unit_id, experiment_id, metric, figure) VALUES ($1, $2, $3, $4)
         ON CONFLICT (unit_id, experiment_id, metric) DO UPDATE SET figure = excluded.figure",
    )
    .bind(unit_id).bind(experiment_id).bind(metric).bind(figure).execute(conn).await.map(drop))?;
    Ok(())
}

use septet_chassis::{StoreError, Tx, on_engine};
use uuid::Uuid;

use crate::analysis::{Change, Figures, Moments};

/// Metric, variation, units, sum and squares.
type Row = (String, i64, i64, String, String);

/// Notes what is to be added to an experiment's figures.
pub(crate) async fn add_delta(tx: &mut Tx, experiment_id: &str, change: &Change) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO delta (id, experiment_id, metric, variation, units, sum, squares) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::now_v7().to_string()).bind(experiment_id).bind(&change.metric).bind(change.variation)
    .bind(change.by.units).bind(change.by.sum.to_string()).bind(change.by.squares.to_string())
    .execute(conn).await.map(drop))?;
    Ok(())
}

/// Experiments with something to add.
pub(crate) async fn experiments_with_deltas(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT DISTINCT experiment_id FROM delta ORDER BY experiment_id").fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Adds at most so many of what is to be added, and gives how many there were. The experiment must be locked.
pub(crate) async fn fold(tx: &mut Tx, experiment_id: &str, limit: u32) -> Result<usize, StoreError> {
    let rows: Vec<Row> = on_engine!(&mut *tx, conn => sqlx::query_as(
        "DELETE FROM delta WHERE id IN (SELECT id FROM delta WHERE experiment_id = $1 ORDER BY id LIMIT $2)
         RETURNING metric, variation, units, sum, squares",
    )
    .bind(experiment_id).bind(i64::from(limit)).fetch_all(conn).await)?;
    let folded = rows.len();
    let mut figures = aggregates(tx, experiment_id).await?;
    for ((metric, variation), by) in added(Figures::new(), rows)? {
        let all = figures.remove(&(metric.clone(), variation)).unwrap_or_default().and(by);
        on_engine!(&mut *tx, conn => sqlx::query(
            "INSERT INTO aggregate (experiment_id, metric, variation, units, sum, squares) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (experiment_id, metric, variation) DO UPDATE SET units = excluded.units, sum = excluded.sum,
                 squares = excluded.squares",
        )
        .bind(experiment_id).bind(&metric).bind(variation).bind(all.units).bind(all.sum.to_string())
        .bind(all.squares.to_string()).execute(conn).await.map(drop))?;
    }
    Ok(folded)
}

/// An experiment's figures, with what is still to be added.
pub(crate) async fn figures(tx: &mut Tx, experiment_id: &str) -> Result<Figures, StoreError> {
    let rows: Vec<Row> = on_engine!(&mut *tx, conn => sqlx::query_as(
        "SELECT metric, variation, units, sum, squares FROM delta WHERE experiment_id = $1",
    )
    .bind(experiment_id).fetch_all(conn).await)?;
    added(aggregates(tx, experiment_id).await?, rows)
}

/// Forgets what would be added to the figures of an experiment that has ended.
pub(crate) async fn forget_deltas(tx: &mut Tx, experiment_id: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn =>
        sqlx::query("DELETE FROM delta WHERE experiment_id = $1").bind(experiment_id).execute(conn).await.map(drop))?;
    Ok(())
}

async fn aggregates(tx: &mut Tx, experiment_id: &str) -> Result<Figures, StoreError> {
    let rows: Vec<Row> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT metric, variation, units, sum, squares FROM aggregate WHERE experiment_id = $1",
    )
    .bind(experiment_id).fetch_all(conn).await)?;
    added(Figures::new(), rows)
}

fn added(mut figures: Figures, rows: Vec<Row>) -> Result<Figures, StoreError> {
    let whole = |text: &str| {
        text.parse::<i128>()
            .map_err(|_| StoreError::Statement("a sum of figures is not a whole number".to_owned()))
    };
    for (metric, variation, units, sum, squares) in rows {
        let by = Moments { units, sum: whole(&sum)?, squares: whole(&squares)? };
        let all = figures.entry((metric, variation)).or_default();
        *all = all.and(by);
    }
    Ok(figures)
}

use septet_chassis::{StoreError, Tx, on_engine};

/// One service's reaction to a change.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Step {
    pub change_id: String,
    pub event_id: String,
    pub service: String,
    pub event_type: String,
    /// `septet.common.v1.Verdict`.
    pub outcome: i64,
    pub summary: String,
    /// Microseconds.
    pub published_at: i64,
    /// Microseconds.
    pub arrived_at: i64,
}

/// Adds a step to a change that is known; an event counts once.
pub(crate) async fn add_step(tx: &mut Tx, step: &Step) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO journey_step
         (change_id, event_id, service, event_type, outcome, summary, published_at, arrived_at)
         SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM change WHERE id = $1
         ON CONFLICT (change_id, event_id) DO NOTHING"
    )
    .bind(&step.change_id).bind(&step.event_id).bind(&step.service).bind(&step.event_type).bind(step.outcome)
    .bind(&step.summary).bind(step.published_at).bind(step.arrived_at).execute(conn).await.map(drop))?;
    Ok(())
}

/// The steps of a change in the order in which they arrived.
pub(crate) async fn steps(tx: &mut Tx, change_id: &str, limit: i64) -> Result<Vec<Step>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT change_id, event_id, service, event_type, outcome, summary, published_at, arrived_at
         FROM journey_step WHERE change_id = $1 ORDER BY arrived_at, event_id LIMIT $2"
    )
    .bind(change_id).bind(limit).fetch_all(conn).await)?)
}

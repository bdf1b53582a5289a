use septet_chassis::{Column, Cx, CxError, StoreError, Tx, Write, on_engine};

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
    pub correlation_id: String,
    /// Empty where nothing is traced.
    pub trace_id: String,
}

/// That a step arrived.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Arrival {
    /// Microseconds.
    pub arrived_at: i64,
    pub event_id: String,
    pub change_id: String,
}

/// Adds steps to changes that are known; an event counts once.
static ADD_STEPS: Write = Write::new(
    "INSERT INTO journey_step
         (change_id, event_id, service, event_type, outcome, summary, published_at, arrived_at, correlation_id, trace_id)
     SELECT change.id, step.event_id, step.service, step.event_type, step.outcome, step.summary, step.published_at,
         step.arrived_at, step.correlation_id, step.trace_id
     FROM {rows} AS step JOIN change ON change.id = step.change_id WHERE true
     ON CONFLICT (change_id, event_id) DO NOTHING",
    &[
        ("change_id", Column::Text),
        ("event_id", Column::Text),
        ("service", Column::Text),
        ("event_type", Column::Text),
        ("outcome", Column::Integer),
        ("summary", Column::Text),
        ("published_at", Column::Integer),
        ("arrived_at", Column::Integer),
        ("correlation_id", Column::Text),
        ("trace_id", Column::Text),
    ],
);

/// Adds a step to a change that is known, together with those of the other events of the transaction.
pub(crate) async fn add_step(cx: &mut Cx, step: Step) -> Result<(), CxError> {
    let row = [
        step.change_id.into(),
        step.event_id.into(),
        step.service.into(),
        step.event_type.into(),
        step.outcome.into(),
        step.summary.into(),
        step.published_at.into(),
        step.arrived_at.into(),
        step.correlation_id.into(),
        step.trace_id.into(),
    ];
    cx.write(&ADD_STEPS, row).await
}

/// The steps of a change in the order in which they arrived.
pub(crate) async fn steps(tx: &mut Tx, change_id: &str, limit: i64) -> Result<Vec<Step>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT change_id, event_id, service, event_type, outcome, summary, published_at, arrived_at, correlation_id,
         trace_id FROM journey_step WHERE change_id = $1 ORDER BY arrived_at, event_id LIMIT $2"
    )
    .bind(change_id).bind(limit).fetch_all(conn).await)?)
}

/// Steps that arrived at a time or later, after an event where several arrived at that time; first ones first.
pub(crate) async fn arrivals(
    tx: &mut Tx,
    from: i64,
    after_event: &str,
    limit: i64,
) -> Result<Vec<Arrival>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT arrived_at, event_id, change_id FROM journey_step
         WHERE arrived_at >= $1 AND (arrived_at > $1 OR event_id > $2) ORDER BY arrived_at, event_id LIMIT $3"
    )
    .bind(from).bind(after_event).bind(limit).fetch_all(conn).await)?)
}

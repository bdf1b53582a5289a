use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_pipeline::v1::{self, RunState};

/// A run as it is kept. Times are microseconds since the epoch, 0 for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Run {
    pub id: String,
    pub name: String,
    /// YAML; empty until devops was asked for the tests of a release.
    pub definition: String,
    /// JSON.
    pub inputs: String,
    pub event_type: String,
    /// JSON; `null` where a call submitted it.
    pub event: String,
    /// Runs that led to this one.
    pub depth: i64,
    pub state: i64,
    pub reason: String,
    /// Change whose tests it runs.
    pub release_of: Option<String>,
    pub change_id: String,
    pub repository_id: String,
    pub repository_name: String,
    pub commit_hash: String,
    pub correlation_id: String,
    pub causation_id: Option<String>,
    pub traceparent: Option<String>,
    pub submitted_at: i64,
    pub started_at: i64,
    pub finished_at: i64,
    pub deadline_at: i64,
    pub cancel_requested: i64,
    pub fence: i64,
    pub wakes: i64,
    pub version: i64,
}

const COLUMNS: &str = "id, name, definition, inputs, event_type, event, depth, state, reason, release_of, change_id, \
    repository_id, repository_name, commit_hash, correlation_id, causation_id, traceparent, submitted_at, started_at, \
    finished_at, deadline_at, cancel_requested, fence, wakes, version";

pub(super) fn columns() -> &'static str {
    COLUMNS
}

impl Run {
    pub fn state(&self) -> RunState {
        i32::try_from(self.state).ok().and_then(|state| RunState::try_from(state).ok()).unwrap_or_default()
    }

    pub fn message(&self) -> v1::Run {
        v1::Run {
            id: self.id.clone(),
            name: self.name.clone(),
            state: self.state().into(),
            reason: self.reason.clone(),
            change_id: self.change_id.clone(),
            repository_id: self.repository_id.clone(),
            repository_name: self.repository_name.clone(),
            commit: self.commit_hash.clone(),
            submitted_time: time(self.submitted_at),
            started_time: time(self.started_at),
            finished_time: time(self.finished_at),
            event_type: self.event_type.clone(),
        }
    }
}

/// A time, if it is one.
pub(super) fn time(micros: i64) -> Option<prost_types::Timestamp> {
    (micros > 0).then(|| Timestamp::from_micros(micros).into())
}

/// Which runs.
#[derive(Default)]
pub(crate) struct RunsFilter {
    /// Empty for all pipelines.
    pub name: String,
    pub state: RunState,
    /// Empty for all changes.
    pub change_id: String,
}

/// Keeps a new run; false if there is one for the same release already.
pub(crate) async fn insert(tx: &mut Tx, run: &Run) -> Result<bool, StoreError> {
    let done = on_engine!(tx, conn => sqlx::query(
        "INSERT INTO run (id, name, definition, inputs, event_type, event, depth, state, reason, release_of, change_id,
             repository_id, repository_name, commit_hash, correlation_id, causation_id, traceparent, submitted_at,
             started_at, finished_at, deadline_at, cancel_requested, lease_until, fence, due_at, wakes, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, 0, 0,
             0, 0, 1)
         ON CONFLICT (release_of) WHERE release_of IS NOT NULL DO NOTHING",
    )
    .bind(&run.id).bind(&run.name).bind(&run.definition).bind(&run.inputs).bind(&run.event_type).bind(&run.event)
    .bind(run.depth).bind(run.state).bind(&run.reason).bind(&run.release_of).bind(&run.change_id)
    .bind(&run.repository_id).bind(&run.repository_name).bind(&run.commit_hash).bind(&run.correlation_id)
    .bind(&run.causation_id).bind(&run.traceparent).bind(run.submitted_at).bind(run.started_at).bind(run.finished_at)
    .bind(run.deadline_at).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(done == 1)
}

/// The run with this id.
pub(crate) async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Run>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM run WHERE id = $1");
    Ok(on_engine!(tx, conn =>
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(id).fetch_optional(conn).await)?)
}

/// Runs, newest first: at most `limit`, with ids below `before` where that is not empty.
pub(crate) async fn list(
    tx: &mut Tx,
    filter: &RunsFilter,
    before: &str,
    limit: u32,
) -> Result<Vec<Run>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS} FROM run
         WHERE ($1 = '' OR name = $1) AND ($2 = 0 OR state = $2) AND ($3 = '' OR change_id = $3) AND ($4 = '' OR id < $4)
         ORDER BY id DESC LIMIT $5"
    );
    Ok(on_engine!(tx, conn => sqlx::query_as(sqlx::AssertSqlSafe(text))
        .bind(&filter.name).bind(i64::from(filter.state as i32)).bind(&filter.change_id).bind(before)
        .bind(i64::from(limit)).fetch_all(conn).await)?)
}

/// The number of a run's changes so far.
pub(crate) async fn version(tx: &mut Tx, id: &str) -> Result<Option<i64>, StoreError> {
    let row: Option<(i64,)> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT version FROM run WHERE id = $1").bind(id).fetch_optional(conn).await)?;
    Ok(row.map(|(version,)| version))
}

/// How many runs led to this one, and its pipeline.
pub(crate) async fn depth_of(tx: &mut Tx, id: &str) -> Result<Option<(i64, String)>, StoreError> {
    Ok(on_engine!(tx, conn =>
        sqlx::query_as("SELECT depth, name FROM run WHERE id = $1").bind(id).fetch_optional(conn).await)?)
}

/// Marks that the first step is about to begin.
pub(crate) async fn begin(tx: &mut Tx, id: &str, now: i64, deadline_at: i64) -> Result<(), StoreError> {
    on_engine!(tx, conn =>
        sqlx::query("UPDATE run SET state = $2, started_at = $3, deadline_at = $4 WHERE id = $1")
            .bind(id).bind(i64::from(RunState::Running as i32)).bind(now).bind(deadline_at)
            .execute(conn).await.map(drop))?;
    Ok(())
}

/// Gives a run the definition that was made for it.
pub(crate) async fn adopt(tx: &mut Tx, id: &str, definition: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE run SET definition = $2 WHERE id = $1")
        .bind(id).bind(definition).execute(conn).await.map(drop))?;
    Ok(())
}

/// Marks the end.
pub(crate) async fn end(
    tx: &mut Tx,
    id: &str,
    state: RunState,
    reason: &str,
    now: i64,
) -> Result<(), StoreError> {
    on_engine!(tx, conn =>
        sqlx::query("UPDATE run SET state = $2, reason = $3, finished_at = $4, lease_until = 0 WHERE id = $1")
            .bind(id).bind(i64::from(state as i32)).bind(reason).bind(now).execute(conn).await.map(drop))?;
    Ok(())
}

/// Asks for a run's end; nothing where it has ended.
pub(crate) async fn ask_to_cancel(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE run SET cancel_requested = 1, due_at = 0, wakes = wakes + 1, version = version + 1
         WHERE id = $1 AND state IN (1, 2)",
    ).bind(id).execute(conn).await.map(drop))?;
    Ok(())
}

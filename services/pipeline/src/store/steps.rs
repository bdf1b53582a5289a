use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_pipeline::v1::{self, RunState};
use serde_json::Value;

use super::runs::time;
use crate::{definition::Pipeline, value};

/// A step as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Step {
    /// In the definition, from 0.
    pub position: i64,
    pub name: String,
    pub kind: String,
    pub state: i64,
    pub reason: String,
    pub attempts: i64,
    /// Attempts that a crash ended.
    pub interrupted: i64,
    /// JSON.
    pub outputs: String,
    /// When the next attempt begins or a wait ends; 0: an attempt is under way.
    pub due_at: i64,
    /// Event type that it waits for; empty for none.
    pub awaits: String,
    /// The event as JSON, once it came.
    pub arrived: String,
    pub started_at: i64,
    pub finished_at: i64,
}

impl Step {
    /// A step that has not begun.
    fn new(position: usize, name: &str, kind: &str) -> Self {
        Self {
            position: i64::try_from(position).unwrap_or(i64::MAX),
            name: name.to_owned(),
            kind: kind.to_owned(),
            state: i64::from(RunState::Queued as i32),
            outputs: "null".to_owned(),
            ..Self::default()
        }
    }

    /// The steps of a run that has not begun.
    pub fn all(pipeline: &Pipeline) -> Vec<Self> {
        let tasks = pipeline.tasks.iter().enumerate();
        tasks.map(|(place, task)| Self::new(place, &task.name, task.action.kind())).collect()
    }

    pub fn state(&self) -> RunState {
        i32::try_from(self.state).ok().and_then(|state| RunState::try_from(state).ok()).unwrap_or_default()
    }

    pub fn outputs(&self) -> Value {
        serde_json::from_str(&self.outputs).unwrap_or_default()
    }

    /// True where an attempt is under way, or was when its process ended.
    pub fn is_attempted(&self) -> bool {
        self.state() == RunState::Running && self.due_at == 0 && self.awaits.is_empty()
    }

    pub fn message(&self) -> v1::Step {
        v1::Step { outputs: Some(value::to_proto(&self.outputs())), ..self.summary() }
    }

    /// Without its outputs.
    pub fn summary(&self) -> v1::Step {
        v1::Step {
            name: self.name.clone(),
            kind: self.kind.clone(),
            state: self.state().into(),
            reason: self.reason.clone(),
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            outputs: None,
            started_time: time(self.started_at),
            finished_time: time(self.finished_at),
        }
    }
}

/// Keeps the steps of a new run.
pub(crate) async fn insert(tx: &mut Tx, run_id: &str, steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        on_engine!(&mut *tx, conn => sqlx::query(
            "INSERT INTO step (run_id, position, name, kind, state, reason, attempts, interrupted, outputs, due_at, awaits,
                 arrived, started_at, finished_at)
             VALUES ($1, $2, $3, $4, $5, '', 0, 0, 'null', 0, '', '', 0, 0)",
        ).bind(run_id).bind(step.position).bind(&step.name).bind(&step.kind).bind(step.state)
        .execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// The steps of a run in the order of its definition.
pub(crate) async fn steps(tx: &mut Tx, run_id: &str) -> Result<Vec<Step>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT position, name, kind, state, reason, attempts, interrupted, outputs, due_at, awaits, arrived, started_at,
             finished_at
         FROM step WHERE run_id = $1 ORDER BY position",
    ).bind(run_id).fetch_all(conn).await)?)
}

/// Keeps a step as it is now.
pub(crate) async fn save(tx: &mut Tx, run_id: &str, step: &Step) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE step SET state = $3, reason = $4, attempts = $5, interrupted = $6, outputs = $7, due_at = $8, awaits = $9,
             started_at = $10, finished_at = $11
         WHERE run_id = $1 AND position = $2",
    ).bind(run_id).bind(step.position).bind(step.state).bind(&step.reason).bind(step.attempts).bind(step.interrupted)
    .bind(&step.outputs).bind(step.due_at).bind(&step.awaits).bind(step.started_at).bind(step.finished_at)
    .execute(conn).await.map(drop))?;
    Ok(())
}

/// Ends every step that has not ended.
pub(crate) async fn waive(
    tx: &mut Tx,
    run_id: &str,
    state: RunState,
    reason: &str,
    now: i64,
) -> Result<(), StoreError> {
    on_engine!(&mut *tx, conn => sqlx::query(
        "UPDATE step SET state = $2, reason = $3, finished_at = $4, due_at = 0, awaits = ''
         WHERE run_id = $1 AND state IN (1, 2)",
    ).bind(run_id).bind(i64::from(state as i32)).bind(reason).bind(now).execute(conn).await.map(drop))?;
    on_engine!(tx, conn => sqlx::query(
        "UPDATE attempt SET state = $2, reason = $3, finished_at = $4 WHERE run_id = $1 AND state = 2",
    ).bind(run_id).bind(i64::from(state as i32)).bind(reason).bind(now).execute(conn).await.map(drop))?;
    Ok(())
}

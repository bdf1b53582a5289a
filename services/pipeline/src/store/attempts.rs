use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_pipeline::v1::{self, RunState};

use super::runs::time;

/// An attempt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Attempt {
    name: String,
    number: i64,
    state: i64,
    reason: String,
    log: String,
    started_at: i64,
    finished_at: i64,
}

impl Attempt {
    pub fn message(self) -> v1::Attempt {
        v1::Attempt {
            step: self.name,
            number: u32::try_from(self.number).unwrap_or(0),
            state: i32::try_from(self.state).unwrap_or(0),
            reason: self.reason,
            log: self.log,
            started_time: time(self.started_at),
            finished_time: time(self.finished_at),
        }
    }
}

/// Enters an attempt that is about to begin.
pub(crate) async fn begin_attempt(
    tx: &mut Tx,
    run_id: &str,
    position: i64,
    number: i64,
    now: i64,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO attempt (run_id, position, number, state, reason, log, started_at, finished_at)
         VALUES ($1, $2, $3, $4, '', '', $5, 0)",
    ).bind(run_id).bind(position).bind(number).bind(i64::from(RunState::Running as i32)).bind(now)
    .execute(conn).await.map(drop))?;
    Ok(())
}

/// How an attempt ended.
pub(crate) struct Ended<'a> {
    pub state: RunState,
    pub reason: &'a str,
    pub log: &'a str,
    pub now: i64,
}

/// Enters an attempt's end.
pub(crate) async fn end_attempt(
    tx: &mut Tx,
    run_id: &str,
    position: i64,
    number: i64,
    ended: &Ended<'_>,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE attempt SET state = $4, reason = $5, log = $6, finished_at = $7
         WHERE run_id = $1 AND position = $2 AND number = $3",
    ).bind(run_id).bind(position).bind(number).bind(i64::from(ended.state as i32)).bind(ended.reason).bind(ended.log)
    .bind(ended.now).execute(conn).await.map(drop))?;
    Ok(())
}

/// Enters that the attempts under way ended with their process.
pub(crate) async fn interrupt(tx: &mut Tx, run_id: &str, now: i64) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE attempt SET state = $2, reason = 'interrupted', finished_at = $3 WHERE run_id = $1 AND state = 2",
    ).bind(run_id).bind(i64::from(RunState::Cancelled as i32)).bind(now).execute(conn).await.map(drop))?;
    Ok(())
}

/// The attempts of a run, by step and number.
pub(crate) async fn attempts(tx: &mut Tx, run_id: &str) -> Result<Vec<Attempt>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT s.name, a.number, a.state, a.reason, a.log, a.started_at, a.finished_at
         FROM attempt a JOIN step s ON s.run_id = a.run_id AND s.position = a.position
         WHERE a.run_id = $1 ORDER BY a.position, a.number",
    ).bind(run_id).fetch_all(conn).await)?)
}

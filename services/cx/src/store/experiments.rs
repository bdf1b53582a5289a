use prost::Message;
use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_cx::v1::{Experiment, ExperimentResult, ExperimentState};

use crate::analysis::Exposure;

/// An experiment as it is kept.
pub(crate) struct Stored {
    pub experiment: Experiment,
    /// Once it is final.
    pub result: Option<ExperimentResult>,
}

#[derive(sqlx::FromRow)]
struct Row {
    definition: Vec<u8>,
    result: Option<Vec<u8>>,
}

impl Row {
    fn read(self) -> Result<Stored, StoreError> {
        Ok(Stored {
            experiment: decode(&self.definition)?,
            result: self.result.as_deref().map(decode).transpose()?,
        })
    }
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, StoreError> {
    M::decode(bytes).map_err(|error| {
        StoreError::Statement(format!("the table experiment has what was never written: {error}"))
    })
}

/// One experiment.
pub(crate) async fn experiment(tx: &mut Tx, id: &str) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT definition, result FROM experiment WHERE id = $1").bind(id).fetch_optional(conn).await)?;
    row.map(Row::read).transpose()
}

/// Makes an experiment. Fails where there is one with this id.
pub(crate) async fn add_experiment(tx: &mut Tx, experiment: &Experiment) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO experiment (id, flag_key, state, definition, judged_at) VALUES ($1, $2, $3, $4, 0)",
    )
    .bind(&experiment.id).bind(&experiment.flag_key).bind(i64::from(experiment.state))
    .bind(experiment.encode_to_vec()).execute(conn).await.map(drop))?;
    Ok(())
}

/// Replaces the definition of an experiment, which is locked.
pub(crate) async fn change_experiment(tx: &mut Tx, experiment: &Experiment) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE experiment SET definition = $2 WHERE id = $1")
        .bind(&experiment.id).bind(experiment.encode_to_vec()).execute(conn).await.map(drop))?;
    Ok(())
}

/// Experiments by id: at most `limit`, after one.
pub(crate) async fn list_experiments(
    tx: &mut Tx,
    flag_key: &str,
    state: ExperimentState,
    after: &str,
    limit: u32,
) -> Result<Vec<Experiment>, StoreError> {
    let rows: Vec<Row> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT definition, result FROM experiment
         WHERE ($1 = '' OR flag_key = $1) AND ($2 = 0 OR state = $2) AND id > $3 ORDER BY id LIMIT $4",
    )
    .bind(flag_key).bind(i64::from(state as i32)).bind(after).bind(i64::from(limit)).fetch_all(conn).await)?;
    rows.into_iter().map(|row| row.read().map(|stored| stored.experiment)).collect()
}

/// A running experiment, which nobody else changes until the transaction ends; `None` where it does not run.
pub(crate) async fn lock_running(
    tx: &mut Tx,
    id: &str,
    now: Timestamp,
) -> Result<Option<Experiment>, StoreError> {
    let row: Option<Row> = on_engine!(tx, conn => sqlx::query_as(
        "UPDATE experiment SET judged_at = $2 WHERE id = $1 AND state = $3 RETURNING definition, result",
    )
    .bind(id).bind(now.micros()).bind(i64::from(ExperimentState::Running as i32)).fetch_optional(conn).await)?;
    row.map(|row| row.read().map(|stored| stored.experiment)).transpose()
}

/// Ends an experiment with its result.
pub(crate) async fn conclude(
    tx: &mut Tx,
    experiment: &Experiment,
    result: &ExperimentResult,
    now: Timestamp,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "UPDATE experiment SET state = $2, definition = $3, result = $4, concluded_at = $5 WHERE id = $1",
    )
    .bind(&experiment.id).bind(i64::from(experiment.state)).bind(experiment.encode_to_vec())
    .bind(result.encode_to_vec()).bind(now.micros()).execute(conn).await.map(drop))?;
    Ok(())
}

/// The running experiments that a unit takes part in.
pub(crate) async fn running_with(
    tx: &mut Tx,
    unit_id: &str,
) -> Result<Vec<(Experiment, Exposure)>, StoreError> {
    let rows: Vec<(Vec<u8>, i64, i64, i64)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT e.definition, x.variation, x.exposed_at, x.several
         FROM exposure x JOIN experiment e ON e.id = x.experiment_id
         WHERE x.unit_id = $1 AND e.state = $2 ORDER BY e.id",
    )
    .bind(unit_id).bind(i64::from(ExperimentState::Running as i32)).fetch_all(conn).await)?;
    let read = |(definition, variation, at, several): (Vec<u8>, i64, i64, i64)| {
        Ok((decode(&definition)?, Exposure { variation, at, is_several: several != 0 }))
    };
    rows.into_iter().map(read).collect()
}

//! Runs, executed from the database: whoever takes a run's lease goes on from where the last one wrote.

mod execution;
mod failure;
mod record;
mod release;
mod resume;
mod start;
mod waits;

use std::{sync::Arc, time::Duration};

use septet_chassis::{
    CxError, StoreError,
    contract::{Cause, Timestamp},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Pipelines,
    store::{self, Run},
};
use execution::Execution;

/// How often to look for runs that another replica or an event made due.
const POLL: Duration = Duration::from_millis(500);
/// How often to forget old runs.
const FORGET: Duration = Duration::from_secs(3_600);

/// The background task.
pub(crate) async fn run(service: Arc<Pipelines>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut executions: JoinSet<()> = JoinSet::new();
    let mut forget = tokio::time::interval(FORGET);
    forget.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        while executions.len() < service.config.max_runs {
            match take(&service).await {
                Ok(Some(run)) => {
                    let (service, stop) = (Arc::clone(&service), stop.clone());
                    executions.spawn(async move { Execution::new(service, run).go(stop).await });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "runs wait for the database");
                    break;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = service.due.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            Some(_) = executions.join_next() => {}
            _ = forget.tick() => {
                if let Err(error) = forget_old(&service).await {
                    tracing::warn!(%error, "old runs could not be forgotten");
                }
            }
        }
    }
    // Each lets go of its run, so that another process need not wait for the lease's end.
    while executions.join_next().await.is_some() {}
    Ok(())
}

async fn take(service: &Pipelines) -> Result<Option<Run>, StoreError> {
    let now = Timestamp::now();
    // A look costs no lock where nothing is due, which is nearly always.
    if !store::is_due(&mut service.units.read().await?, now.micros()).await? {
        return Ok(None);
    }
    let mut tx = service.units.store().begin().await?;
    let run = store::claim(&mut tx, now.micros(), now.after(service.config.lease()).micros()).await?;
    tx.commit().await?;
    Ok(run)
}

async fn forget_old(service: &Pipelines) -> Result<(), CxError> {
    let kept = Duration::from_secs(86_400 * u64::from(service.config.retention_days));
    let before = Timestamp::now().before(kept).micros();
    loop {
        let mut cx = service.units.begin(Cause::default());
        let forgotten = store::forget(cx.tx().await?, before).await?;
        cx.commit().await?;
        if forgotten == 0 {
            return Ok(());
        }
    }
}

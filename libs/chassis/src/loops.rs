//! The loops of a process besides those of its events and jobs.

use std::time::Duration;

use anyhow::Context;
use septet_messaging::{
    Units,
    queue::{Queue, QueueSettings},
};
use tokio_util::sync::CancellationToken;

/// How long to wait before the queues are declared again.
const DECLARE_AGAIN: Duration = Duration::from_secs(1);
/// How often old rows are removed.
const HOUSEKEEPING: Duration = Duration::from_secs(3_600);

/// Declares the queues, however long their server is away, and tells the workers, who wait for it; relays hold what they
/// cannot send yet.
pub(crate) async fn declare(
    queue: &dyn Queue,
    queues: &[QueueSettings],
    declared: &CancellationToken,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    while let Err(error) = queue.declare(queues).await {
        if !error.is_transient() {
            return Err(error).context("cannot declare the queues");
        }
        tracing::warn!(%error, "cannot declare the queues yet");
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(DECLARE_AGAIN) => {}
        }
    }
    declared.cancel();
    stop.cancelled().await;
    Ok(())
}

/// A service without handlers or jobs has nothing to do and ends its loop at once: no reason to end the process. A loop
/// that failed is one.
pub(crate) async fn until_stop(ended: &anyhow::Result<()>, stop: &CancellationToken) {
    if ended.is_ok() {
        stop.cancelled().await;
    }
}

/// Forgets what need not be known any more, once an hour.
pub(crate) async fn housekeep(units: &Units, stop: &CancellationToken) {
    loop {
        let forgotten = tokio::select! {
            () = stop.cancelled() => return,
            forgotten = units.forget_old() => forgotten,
        };
        match forgotten {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "forgot old deliveries and replies"),
            Err(error) => tracing::warn!(%error, "cannot forget old deliveries yet"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
    }
}

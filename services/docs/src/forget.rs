//! Forgets what was read of blobs long ago; a blob that comes again is read again.

use std::{sync::Arc, time::Duration};

use septet_chassis::contract::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{Docs, error::Error, store};

const EVERY: Duration = Duration::from_secs(6 * 60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs until the service drains.
pub(crate) async fn run(docs: Arc<Docs>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut turns = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = turns.tick() => {}
        }
        match forget(&docs).await {
            Ok(0) => {}
            Ok(blobs) => tracing::info!(blobs, "forgot what was read long ago"),
            // Nothing depends on it: the next turn tries again.
            Err(error) => tracing::warn!(%error, "could not forget what was read long ago"),
        }
    }
}

async fn forget(docs: &Docs) -> Result<u64, Error> {
    let before = Timestamp::now().before(DAY * docs.config.keep_days);
    let mut forgotten = 0;
    loop {
        // Some at a time, so that checks need not wait for long.
        let mut tx = docs.units.store().begin().await?;
        let some = store::forget_facts(&mut tx, before).await?;
        tx.commit().await?;
        forgotten += some;
        if some == 0 {
            return Ok(forgotten);
        }
    }
}

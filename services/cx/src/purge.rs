//! Forgets what is older than it is kept.

use std::{sync::Arc, time::Duration};

use septet_chassis::{StoreError, contract::Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{Experience, store};

const LEASE: &str = "cx-purge";
const EVERY: Duration = Duration::from_secs(3_600);

/// The background task.
pub(crate) async fn run(experience: Arc<Experience>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut rounds = tokio::time::interval(EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let purging = async {
        loop {
            rounds.tick().await;
            match experience.purge().await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "old activities were forgotten"),
                Err(error) => tracing::warn!(%error, "old activities are forgotten later"),
            }
        }
    };
    tokio::select! {
        () = purging => {}
        () = stop.cancelled() => {}
    }
    Ok(())
}

impl Experience {
    async fn purge(&self) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        // Some at a time, so that handlers need not wait for long.
        while self.leases.hold(LEASE, Timestamp::now().micros()).await? {
            let before = Timestamp::now().before(self.settings.retention());
            let mut tx = self.units.store().begin().await?;
            let some = store::purge(&mut tx, before).await?;
            tx.commit().await?;
            forgotten += some;
            if some == 0 {
                break;
            }
        }
        Ok(forgotten)
    }
}

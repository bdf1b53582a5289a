//! Alerts as they are raised and closed, here or by another replica.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use septet_chassis::Units;
use septet_proto_common::v1::Severity;
use septet_proto_soc::v1::{Alert, WatchAlertsResponse};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::Status;

use crate::{Soc, error::Error, store};

/// Alerts that are read at a time.
const BATCH: i64 = 100;
/// How often to look for what other replicas have done; what this one does wakes the stream.
const POLL: Duration = Duration::from_millis(500);

/// Where a stream of alerts has come to.
struct Live {
    units: Units,
    /// Empty for all.
    repository_id: String,
    min_level: Severity,
    /// Number of the last movement that was read.
    after: i64,
    read: VecDeque<Alert>,
    moved: watch::Receiver<u64>,
    /// Its place among the streams that may be open.
    _permit: OwnedSemaphorePermit,
}

impl Soc {
    /// Wakes the streams: alerts have been raised or closed.
    pub(crate) fn tell(&self) {
        self.moved.send_modify(|moved| *moved = moved.wrapping_add(1));
    }

    /// The stream of alerts; it has no end of its own.
    pub(crate) async fn live(
        &self,
        repository_id: String,
        min_level: Severity,
        include_existing: bool,
    ) -> Result<BoxStream<'static, Result<WatchAlertsResponse, Status>>, Error> {
        let permit = Arc::clone(&self.watchers)
            .try_acquire_owned()
            .map_err(|_| Error::TooManyStreams(self.settings.watch_streams))?;
        // Before the first read, so that no movement falls between the two.
        let moved = self.moved.subscribe();
        let mut tx = self.units.read().await?;
        let after = if include_existing { 0 } else { store::last_movement(&mut tx).await? };
        let live = Live {
            units: self.units.clone(),
            repository_id,
            min_level,
            after,
            read: VecDeque::new(),
            moved,
            _permit: permit,
        };
        Ok(stream::unfold(live, |mut live| async {
            let alert = live.next().await?;
            Some((Ok(WatchAlertsResponse { alert: Some(alert) }), live))
        })
        .boxed())
    }
}

impl Live {
    /// The next alert.
    async fn next(&mut self) -> Option<Alert> {
        loop {
            if let Some(alert) = self.read.pop_front() {
                return Some(alert);
            }
            self.moved.mark_unchanged();
            match self.read_on().await {
                Ok(true) => continue,
                Ok(false) => {}
                // It may be back soon, and the caller's stream is none the worse for it.
                Err(error) => tracing::warn!(%error, "a stream of alerts waits for the database"),
            }
            tokio::select! {
                changed = self.moved.changed() => changed.ok()?,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Reads more; false if there is none.
    async fn read_on(&mut self) -> Result<bool, septet_chassis::StoreError> {
        let mut tx = self.units.read().await?;
        let read =
            store::moved_after(&mut tx, &self.repository_id, self.min_level, self.after, BATCH).await?;
        if let Some((last, _)) = read.last() {
            self.after = *last;
        }
        self.read = read.into_iter().map(|(_, alert)| alert).collect();
        Ok(!self.read.is_empty())
    }
}

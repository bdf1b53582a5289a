//! Runs as they move, here or in another replica.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use septet_chassis::{StoreError, Units};
use septet_proto_pipeline::v1::WatchRunResponse;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::Status;

use super::fields::required;
use crate::{
    Pipelines,
    error::Error,
    plan,
    store::{self, Step},
};

/// How often to look for what another replica has done; what this one does wakes the stream.
const POLL: Duration = Duration::from_millis(500);

/// Where a stream has come to.
struct Live {
    units: Units,
    run_id: String,
    /// The version that was sent last.
    version: i64,
    has_ended: bool,
    moved: watch::Receiver<u64>,
    /// Its place among the streams that may be open.
    _permit: OwnedSemaphorePermit,
}

impl Pipelines {
    /// The stream of a run; it ends with it.
    pub(super) async fn watch(
        &self,
        run_id: String,
    ) -> Result<BoxStream<'static, Result<WatchRunResponse, Status>>, Error> {
        required("run_id", &run_id, 64)?;
        let permit = Arc::clone(&self.watchers)
            .try_acquire_owned()
            .map_err(|_| Error::TooManyStreams(self.config.watch_streams))?;
        // Before the first read, so that nothing falls between the two.
        let moved = self.moved.subscribe();
        if store::version(&mut self.units.read().await?, &run_id).await?.is_none() {
            return Err(Error::NotFound("run"));
        }
        let live =
            Live { units: self.units.clone(), run_id, version: 0, has_ended: false, moved, _permit: permit };
        Ok(stream::unfold(live, |mut live| async {
            let reply = live.next().await?;
            Some((Ok(reply), live))
        })
        .boxed())
    }
}

impl Live {
    async fn next(&mut self) -> Option<WatchRunResponse> {
        while !self.has_ended {
            self.moved.mark_unchanged();
            match self.read().await {
                Ok(Some(reply)) => return Some(reply),
                Ok(None) => {}
                // It may be back soon, and the caller's stream is none the worse for it.
                Err(error) => tracing::warn!(%error, "a stream of a run waits for the database"),
            }
            tokio::select! {
                changed = self.moved.changed() => changed.ok()?,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        None
    }

    /// The run, if it has moved since it was sent last.
    async fn read(&mut self) -> Result<Option<WatchRunResponse>, StoreError> {
        let mut tx = self.units.read().await?;
        let Some(run) = store::by_id(&mut tx, &self.run_id).await? else {
            // Forgotten meanwhile.
            self.has_ended = true;
            return Ok(None);
        };
        if run.version == self.version {
            return Ok(None);
        }
        let steps = store::steps(&mut tx, &self.run_id).await?;
        self.version = run.version;
        self.has_ended = plan::has_ended(run.state());
        Ok(Some(WatchRunResponse {
            run: Some(run.message()),
            steps: steps.iter().map(Step::summary).collect(),
        }))
    }
}

//! Changes as they are imported, here or by another replica.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use septet_chassis::Units;
use septet_proto_devops::v1::WatchChangesResponse;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::Status;

use crate::{Devops, compose, error::Error, store};

/// Changes that are read at a time.
const BATCH: i64 = 100;
/// How often to look for what other replicas have imported; what this one imports wakes the stream.
const POLL: Duration = Duration::from_secs(1);

/// Where a stream of changes has come to.
struct Live {
    units: Units,
    /// Empty for all.
    repository_id: String,
    /// Number of the last change that was read.
    after: i64,
    read: VecDeque<store::Change>,
    imported: watch::Receiver<u64>,
    /// Its place among the streams that may be open.
    _permit: OwnedSemaphorePermit,
}

impl Devops {
    /// The stream of changes; it has no end of its own.
    pub(crate) async fn live(
        &self,
        repository_id: String,
        include_existing: bool,
    ) -> Result<BoxStream<'static, Result<WatchChangesResponse, Status>>, Error> {
        let permit = Arc::clone(&self.watchers)
            .try_acquire_owned()
            .map_err(|_| Error::TooManyStreams(self.settings.watch_streams))?;
        // Before the first read, so that no import falls between the two.
        let imported = self.imported.subscribe();
        let mut tx = self.units.read().await?;
        if !repository_id.is_empty() && store::repository(&mut tx, &repository_id).await?.is_none() {
            return Err(Error::UnknownRepository(repository_id));
        }
        let after = if include_existing { 0 } else { store::last_number(&mut tx).await? };
        let live = Live {
            units: self.units.clone(),
            repository_id,
            after,
            read: VecDeque::new(),
            imported,
            _permit: permit,
        };
        Ok(stream::unfold(live, |mut live| async {
            let change = live.next().await?;
            let reply = WatchChangesResponse { change: Some(compose::from_row(change)) };
            Some((Ok(reply), live))
        })
        .boxed())
    }
}

impl Live {
    /// The next change.
    async fn next(&mut self) -> Option<store::Change> {
        loop {
            if let Some(change) = self.read.pop_front() {
                return Some(change);
            }
            self.imported.mark_unchanged();
            match self.read_on().await {
                Ok(true) => continue,
                Ok(false) => {}
                // It may be back soon, and the caller's stream is none the worse for it.
                Err(error) => tracing::warn!(%error, "a stream of changes waits for the database"),
            }
            tokio::select! {
                changed = self.imported.changed() => changed.ok()?,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Reads more; false if there is none.
    async fn read_on(&mut self) -> Result<bool, septet_chassis::StoreError> {
        let mut tx = self.units.read().await?;
        let read = match self.repository_id.as_str() {
            "" => store::after(&mut tx, self.after, BATCH).await?,
            id => store::after_of(&mut tx, id, self.after, BATCH).await?,
        };
        if let Some(last) = read.last() {
            self.after = last.seq;
        }
        self.read = read.into();
        Ok(!self.read.is_empty())
    }
}

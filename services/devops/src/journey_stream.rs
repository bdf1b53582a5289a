//! Journeys as they grow, here or by another replica.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use futures_util::stream::{self, BoxStream, StreamExt};
use septet_chassis::{StoreError, Units, contract::Timestamp};
use septet_proto_devops::v1::{GetJourneyResponse, WatchJourneyResponse};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::Status;

use crate::{Devops, error::Error, journey, store};

/// How often to look for steps that other replicas have added.
const POLL: Duration = Duration::from_secs(1);
/// A step that is added here wakes the stream before it is committed: it looks again so soon, and twice as late each time.
const SOON: Duration = Duration::from_millis(20);
/// Steps become visible in another order than they arrive: each look goes so far back. What a transaction of longer than
/// that brings shows with the next step of its change.
const BACK: Duration = Duration::from_secs(5);
/// Steps that are read at a time.
const BATCH: i64 = 500;

/// Which journeys a stream follows, and how far it has come.
enum Follows {
    /// One, of which so many steps were sent; `None` before the first answer.
    One { change_id: String, sent: Option<usize> },
    /// All that move.
    All {
        /// Arrivals from here on, in microseconds.
        from: i64,
        /// When the steps arrived that were seen already, by change and event.
        seen: HashMap<(String, String), i64>,
    },
}

struct Live {
    units: Units,
    follows: Follows,
    /// Journeys that are to be sent.
    ready: VecDeque<GetJourneyResponse>,
    moved: watch::Receiver<u64>,
    pause: Duration,
    /// Its place among the streams that may be open.
    _permit: OwnedSemaphorePermit,
}

impl Devops {
    /// The stream of one change's journey, or of all that move; it has no end of its own.
    pub(crate) async fn follow(
        &self,
        change_id: String,
    ) -> Result<BoxStream<'static, Result<WatchJourneyResponse, Status>>, Error> {
        let permit = Arc::clone(&self.watchers)
            .try_acquire_owned()
            .map_err(|_| Error::TooManyStreams(self.settings.watch_streams))?;
        // Before the first read, so that no step falls between the two.
        let moved = self.moved.subscribe();
        let follows = if change_id.is_empty() {
            let from = Timestamp::now().before(BACK).micros();
            let mut follows = Follows::All { from, seen: HashMap::new() };
            // What was there before is nobody's move.
            follows.arrived(&self.units).await?;
            follows
        } else {
            let mut tx = self.units.read().await?;
            if store::by_id(&mut tx, &change_id).await?.is_none() {
                return Err(Error::UnknownChange(change_id));
            }
            Follows::One { change_id, sent: None }
        };
        let units = self.units.clone();
        let live = Live { units, follows, ready: VecDeque::new(), moved, pause: SOON, _permit: permit };
        Ok(stream::unfold(live, |mut live| async {
            let journey = live.next().await?;
            let reply = WatchJourneyResponse { change: journey.change, steps: journey.steps };
            Some((Ok(reply), live))
        })
        .boxed())
    }
}

impl Live {
    /// The next journey that moved.
    async fn next(&mut self) -> Option<GetJourneyResponse> {
        loop {
            if let Some(journey) = self.ready.pop_front() {
                return Some(journey);
            }
            self.moved.mark_unchanged();
            match self.read_on().await {
                Ok(()) if !self.ready.is_empty() => continue,
                Ok(()) => {}
                // It may be back soon, and the caller's stream is none the worse for it.
                Err(error) => tracing::warn!(%error, "a stream of journeys waits for the database"),
            }
            tokio::select! {
                moved = self.moved.changed() => {
                    moved.ok()?;
                    self.pause = SOON;
                }
                () = tokio::time::sleep(self.pause) => self.pause = (self.pause * 2).min(POLL),
            }
        }
    }

    async fn read_on(&mut self) -> Result<(), StoreError> {
        let changes = match &self.follows {
            Follows::One { change_id, .. } => vec![change_id.clone()],
            Follows::All { .. } => self.follows.arrived(&self.units).await?,
        };
        let mut tx = self.units.read().await?;
        for change_id in changes {
            let Some(journey) = journey::read(&mut tx, &change_id).await? else { continue };
            if let Follows::One { sent, .. } = &mut self.follows {
                if *sent == Some(journey.steps.len()) {
                    continue;
                }
                *sent = Some(journey.steps.len());
            }
            self.ready.push_back(journey);
        }
        Ok(())
    }
}

impl Follows {
    /// Changes with steps that were not seen before, each once, in the order in which they moved.
    async fn arrived(&mut self, units: &Units) -> Result<Vec<String>, StoreError> {
        let Self::All { from, seen } = self else { return Ok(Vec::new()) };
        let (mut time, mut event) = (*from, String::new());
        let mut changes: Vec<String> = Vec::new();
        loop {
            let some = store::arrivals(&mut units.read().await?, time, &event, BATCH).await?;
            let Some(last) = some.last() else { break };
            (time, event) = (last.arrived_at, last.event_id.clone());
            let whole = (some.len() as i64) < BATCH;
            for arrival in some {
                let step = (arrival.change_id, arrival.event_id);
                let change = step.0.clone();
                if let Entry::Vacant(unseen) = seen.entry(step) {
                    unseen.insert(arrival.arrived_at);
                    changes.retain(|other| *other != change);
                    changes.push(change);
                }
            }
            if whole {
                break;
            }
        }
        *from = (*from).max(Timestamp::from_micros(time).before(BACK).micros());
        seen.retain(|_, arrived_at| *arrived_at >= *from);
        Ok(changes)
    }
}

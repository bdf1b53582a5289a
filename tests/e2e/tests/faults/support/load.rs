//! All load of a run at once: events, calls and histories, and how far their effects are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::SeedableRng;
use septet_e2e::Deployment;
use septet_testkit::{evidence::Workspace, history::History};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    calls::{Answers, Calls},
    database::{Database, Progress},
    events::Events,
    histories::Histories,
    size::Size,
};

/// Keys of events.
const KEYS: u64 = 200;
/// Callers by gRPC.
const CALLERS: u32 = 4;
/// Events that wait for their effects at most: enough for the consumers never to be idle.
const AHEAD: u64 = 5_000;
/// How often effects are counted.
const LOOK: Duration = Duration::from_millis(100);
/// How long no event may have an effect while some are to come. A server that is away is back long before.
const STANDSTILL: Duration = Duration::from_secs(180);

/// Load that runs.
pub struct Load {
    pub history: Arc<History>,
    pub answers: Arc<Answers>,
    pub review: Database,
    pub devops: Database,
    effects: Arc<AtomicU64>,
    events: u64,
    producing: JoinHandle<u64>,
    counting: JoinHandle<()>,
    calls: Calls,
    histories: Histories,
    began: Instant,
}

/// Load that has ended: all of it was sent, and each caller has its last answer.
pub struct Ended {
    pub history: Arc<History>,
    pub answers: Arc<Answers>,
    pub review: Database,
    pub devops: Database,
    pub events: u64,
    pub commits: u64,
    pub began: Instant,
}

impl Load {
    /// Starts that many events, and calls and histories beside them for as long as they take.
    ///
    /// # Panics
    /// If review's database cannot be prepared.
    pub async fn start(deployment: &Deployment, workspace: &Workspace, size: Size) -> Self {
        let Size { events, faults } = size;
        // Fewer than there are between two faults, so that each fault has events before and after it.
        let ahead = AHEAD.min(events / (faults + 1) / 2);
        let (review, devops) =
            (Database::new(deployment.database("review")), Database::new(deployment.database("devops")));
        review.number_effects().await;
        let (history, answers) = (Arc::new(History::new()), Arc::new(Answers::default()));
        let effects = Arc::new(AtomicU64::new(0));
        let producer = Events::new(deployment.brokers(), KEYS, Arc::clone(&history), Arc::default());
        let histories = workspace.path().join("histories");
        let random = rand::rngs::StdRng::seed_from_u64(workspace.seed());
        Self {
            producing: tokio::spawn(produce(producer, events, ahead, Arc::clone(&effects))),
            counting: tokio::spawn(count(review.clone(), Arc::clone(&effects))),
            calls: Calls::start(CALLERS, &deployment.channel("review"), &history, &answers),
            histories: Histories::start(histories, &deployment.channel("devops"), &history, random),
            began: Instant::now(),
            history,
            answers,
            review,
            devops,
            effects,
            events,
        }
    }

    /// Events that were seen to have had their effects.
    pub fn effects(&self) -> u64 {
        self.effects.load(Ordering::Relaxed)
    }

    /// Waits until so many events have had their effects.
    ///
    /// # Panics
    /// If none has one for too long.
    pub async fn reaches(&self, effects: u64) {
        let (mut seen, mut moved) = (self.effects(), Instant::now());
        while self.effects() < effects {
            if self.effects() > seen {
                (seen, moved) = (self.effects(), Instant::now());
            }
            assert!(
                moved.elapsed() < STANDSTILL,
                "{seen} of {} events have had their effects, and no other for {STANDSTILL:?}",
                self.events
            );
            sleep(LOOK / 4).await;
        }
    }

    /// How long it takes from now until another event has its effect.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn next_effect(&self) -> Duration {
        self.next(async || self.review.progress(&mut Progress::default()).await.ok()).await
    }

    /// How long it takes from now until another change is imported.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn next_change(&self) -> Duration {
        self.next(async || self.devops.count("SELECT COUNT(*) FROM change").await.ok()).await
    }

    /// Until a figure rises. What an answer does not come for is asked again.
    async fn next<T: PartialOrd>(&self, mut figure: impl AsyncFnMut() -> Option<T>) -> Duration {
        let (began, mut before) = (Instant::now(), None);
        loop {
            match (figure().await, &before) {
                (Some(now), None) => before = Some(now),
                (Some(now), Some(before)) if now > *before => return began.elapsed(),
                _ => {}
            }
            assert!(began.elapsed() < STANDSTILL, "no work goes on {STANDSTILL:?} after a fault");
            sleep(LOOK / 4).await;
        }
    }

    /// Waits until every event was sent and has its effect, then ends the rest of the load.
    ///
    /// # Panics
    /// If a part of the load failed.
    pub async fn finish(self) -> Ended {
        self.reaches(self.events).await;
        let events = self.producing.await.expect("the events are sent");
        self.counting.abort();
        self.calls.finish().await;
        let commits = self.histories.finish().await;
        let Self { history, answers, review, devops, began, .. } = self;
        Ended { history, answers, review, devops, events, commits, began }
    }
}

async fn produce(mut producer: Events, events: u64, ahead: u64, effects: Arc<AtomicU64>) -> u64 {
    while producer.sent() < events {
        if producer.sent() < effects.load(Ordering::Relaxed) + ahead {
            producer.send().await;
        } else {
            sleep(LOOK / 10).await;
        }
    }
    while producer.acked() < events {
        if let Some(reason) = producer.fatal() {
            panic!("the load's producer gave up: {reason}");
        }
        sleep(LOOK).await;
    }
    producer.acked()
}

async fn count(review: Database, effects: Arc<AtomicU64>) {
    let mut progress = Progress::default();
    loop {
        // While the database is away, what was seen last holds.
        if let Ok(seen) = review.progress(&mut progress).await {
            effects.fetch_max(seen, Ordering::Relaxed);
        }
        sleep(LOOK).await;
    }
}

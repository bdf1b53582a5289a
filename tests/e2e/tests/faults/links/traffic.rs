//! Load that goes over every link for as long as the faults take: events, calls, histories, and diffs that are too large
//! for an event.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rand::{SeedableRng, rngs::StdRng};
use septet_e2e::{Channel, Deployment, Repository};
use septet_proto_devops::v1::{
    RegisterRepositoryRequest, devops_service_client::DevopsServiceClient, register_repository_request::Since,
};
use septet_testkit::{
    evidence::Workspace,
    history::{History, Outcome},
};
use tokio::{
    task::{JoinHandle, block_in_place},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    Link,
    callers::{Callers, Told},
};
use crate::support::{calls::Answers, database::Database, events::Events, histories::Histories, load::Ended};

/// Keys of events.
const KEYS: u64 = 50;
/// Between two bursts of events.
const EVENTS_EVERY: Duration = Duration::from_millis(100);
/// Events of a burst.
const BURST: u64 = 4;
/// Between two commits with a large diff.
const LARGE_EVERY: Duration = Duration::from_secs(1);
/// Its size: over the 64 KiB that an event has room for.
const LARGE: usize = 200 * 1024;
/// How long work may stand still once a link is whole again.
const STANDSTILL: Duration = Duration::from_secs(180);

/// Load that runs.
pub struct Traffic {
    history: Arc<History>,
    answers: Arc<Answers>,
    review: Database,
    devops: Database,
    events: JoinHandle<u64>,
    callers: Callers,
    histories: Histories,
    large: JoinHandle<u64>,
    stop: CancellationToken,
    began: Instant,
}

impl Traffic {
    /// Starts all of it. Calls to review go to these URLs, and may take as long as `deadline`.
    ///
    /// # Panics
    /// If review's database cannot be prepared.
    pub async fn start(
        deployment: &Deployment,
        workspace: &Workspace,
        review: &str,
        deadline: Duration,
    ) -> Self {
        let database = |service| Database::new(deployment.database(service));
        let (of_review, of_devops) = (database("review"), database("devops"));
        of_review.number_effects().await;
        let (history, answers) = (Arc::new(History::new()), Arc::new(Answers::default()));
        let stop = CancellationToken::new();
        let producer = Events::new(deployment.brokers(), KEYS, Arc::clone(&history), Arc::default());
        let devops = deployment.channel("devops");
        let random = StdRng::seed_from_u64(workspace.seed());
        let large = Large { dir: workspace.path().join("large"), history: Arc::clone(&history) };
        Self {
            events: tokio::spawn(produce(producer, stop.clone())),
            callers: Callers::start(review, &deployment.token(), deadline, &history, &answers),
            histories: Histories::start(workspace.path().join("histories"), &devops, &history, random),
            large: tokio::spawn(large.run(devops, stop.clone())),
            began: Instant::now(),
            review: of_review,
            devops: of_devops,
            history,
            answers,
            stop,
        }
    }

    /// Calls that gave no answer so far, although the client may have tried them again.
    pub fn failed(&self) -> u64 {
        self.answers.retried.load(Ordering::Relaxed)
    }

    /// How long it takes from now until work that needs the link goes on.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn next(&self, link: Link) -> Duration {
        let (began, mut before) = (Instant::now(), None);
        loop {
            match (self.done(link).await, before) {
                (Some(now), None) => before = Some(now),
                (Some(now), Some(before)) if now > before => return began.elapsed(),
                _ => {}
            }
            assert!(began.elapsed() < STANDSTILL, "{link:?}: no work goes on for {STANDSTILL:?}");
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// How much work is done that needs the link.
    async fn done(&self, link: Link) -> Option<i64> {
        let count = async |database: &Database, statement| database.count(statement).await.ok();
        match link {
            Link::Postgres | Link::Kafka => {
                count(&self.review, "SELECT COUNT(*) FROM review WHERE commit_hash LIKE 'event-%'").await
            }
            Link::Rabbitmq => count(&self.devops, "SELECT COUNT(*) FROM change").await,
            Link::Devops => {
                // Small diffs of others need no call.
                count(&self.review, "SELECT COUNT(*) FROM review WHERE repository_name = 'large'").await
            }
            Link::Callers => i64::try_from(self.answers.acked.load(Ordering::Relaxed)).ok(),
        }
    }

    /// Ends the load once each part of it has its last answer.
    ///
    /// # Panics
    /// If a part failed.
    pub async fn finish(self) -> (Ended, Told) {
        self.stop.cancel();
        let events = self.events.await.expect("the events are sent");
        let told = self.callers.finish().await;
        let large = self.large.await.expect("the large diffs are committed");
        let commits = self.histories.finish().await + large;
        let Self { history, answers, review, devops, began, .. } = self;
        (Ended { history, answers, review, devops, events, commits, began }, told)
    }
}

async fn produce(mut producer: Events, stop: CancellationToken) -> u64 {
    while !stop.is_cancelled() {
        for _ in 0..BURST {
            producer.send().await;
        }
        sleep(EVENTS_EVERY).await;
    }
    while producer.acked() < producer.sent() {
        if let Some(reason) = producer.fatal() {
            panic!("the load's producer gave up: {reason}");
        }
        sleep(EVENTS_EVERY).await;
    }
    producer.acked()
}

/// A repository whose commits have diffs that review has to fetch.
struct Large {
    dir: PathBuf,
    history: Arc<History>,
}

impl Large {
    /// Commits until it is to end; gives the number of commits.
    async fn run(self, devops: Channel, stop: CancellationToken) -> u64 {
        let mut repository = block_in_place(|| Repository::new(&self.dir));
        let first = block_in_place(|| self.commit(&mut repository, 0));
        let request = RegisterRepositoryRequest {
            request_id: "large".to_owned(),
            location: self.dir.to_str().expect("a path that is text").to_owned(),
            since: Some(Since::All(true)),
        };
        let mut client = DevopsServiceClient::new(devops);
        while client.register_repository(request.clone()).await.is_err() {
            sleep(LARGE_EVERY).await;
        }
        self.history.outcome(&first, Outcome::Acked);
        let mut commits = 1;
        while !stop.is_cancelled() {
            let commit = block_in_place(|| self.commit(&mut repository, commits));
            self.history.outcome(&commit, Outcome::Acked);
            commits += 1;
            sleep(LARGE_EVERY).await;
        }
        commits
    }

    /// Adds a commit that it writes down first; gives its hash.
    fn commit(&self, repository: &mut Repository, number: u64) -> String {
        let line = format!("line of the large file number {number}\n");
        let text = line.repeat(LARGE / line.len());
        let commit = repository.commit(&format!("large{}.txt", number % 10), &text, "A large change");
        self.history.intend(&commit, "large", number);
        commit
    }
}

//! What came of a load, once all is quiet.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prost::Message as _;
use rdkafka::message::Message as _;
use septet_e2e::Deployment;
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::{Review, ReviewCompleted};
use septet_testkit::{evidence::Workspace, history::Order};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{database::Content, events, load::Ended, published::Published, report::Report, topic};

/// How long after the load all may take to be quiet.
const QUIET: Duration = Duration::from_secs(300);

const CHANGES: &str = "devops.change.v1";
const REVIEWS: &str = "review.review.v1";
const OUTBOX: &str = "SELECT COUNT(*) FROM outbox";
const IMPORTING: &str = "SELECT COUNT(*) FROM repository WHERE importing <> 0";

impl Ended {
    /// Waits until nothing is on its way any more, and checks every promise: what was acked has its effect, once, in the
    /// order of its key; what was refused has none; each effect has one event, which says the same; nothing was given up.
    ///
    /// # Panics
    /// If a promise was broken. The history is then kept in the workspace.
    pub async fn check(&self, deployment: &Deployment, workspace: &Workspace, mut report: Report) {
        let loaded = self.began.elapsed().as_secs_f64();
        self.quiet(deployment).await;
        let (mut reviews, mut changes) = (Published::default(), Published::default());
        self.review.read_reviews(&self.history, &mut reviews).await;
        let imported = self.devops.changes().await;
        for (id, commit) in &imported {
            self.history.effect(commit);
            changes.effect(*id, commit);
        }
        let brokers = deployment.brokers();
        block_in_place(|| read_reviews(brokers, &mut reviews));
        block_in_place(|| read_changes(brokers, &mut changes));
        self.check_journeys(&imported, &mut reviews).await;
        let outcome = self.history.check(Order::PerKey);
        if outcome.is_err() {
            self.history.save(&workspace.path().join("history.jsonl")).expect("the history is kept");
        }

        report.figure("events", self.events as f64, "");
        report.figure("events per second under faults", self.events as f64 / loaded, "/s");
        report.figure("calls acked", load(&self.answers.acked), "");
        report.figure("calls refused", load(&self.answers.refused), "");
        report.figure("attempts at calls without an answer", load(&self.answers.retried), "");
        report.figure("commits", self.commits as f64, "");
        report.figure("effects checked", self.history.effects() as f64, "");
        let repeated = reviews.repeated() + changes.repeated();
        report.figure("events that stand on their topic again", repeated as f64, "");
        let broken = outcome.as_ref().err().map_or(0, |violations| violations.0.len());
        report.at_most("promises of the history broken", broken as f64, "", 0.0);
        reviews.finish();
        changes.finish();
        let complained = reviews.complained() + changes.complained();
        report.at_most("effects whose event is missing, double or different", complained as f64, "", 0.0);
        let dead = self.dead_letters().await;
        report.at_most("dead letters", dead as f64, "", 0.0);
        report.finish();
        outcome.expect("the history keeps its promises");
        assert!(complained == 0, "effects and events differ: {reviews:#?} {changes:#?}");
        assert_eq!(dead, 0, "dead letters");
        assert_eq!(imported.len() as u64, self.commits, "changes");
    }

    async fn dead_letters(&self) -> i64 {
        let mut dead = 0;
        for database in [&self.review, &self.devops] {
            dead +=
                database.count("SELECT COUNT(*) FROM dead_letter").await.expect("dead letters are counted");
        }
        dead
    }

    /// Each change has one step, made of the event that tells of its review.
    async fn check_journeys(&self, changes: &[(Uuid, String)], reviews: &mut Published) {
        let mut steps: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (change, event) in self.devops.steps().await {
            steps.entry(change).or_default().push(event);
        }
        let of_changes = self.review.reviews_of_changes().await;
        for (change, commit) in changes {
            let event = of_changes.get(change).and_then(|review| reviews.event_of(*review));
            let steps = steps.remove(change).unwrap_or_default();
            if event.is_none_or(|event| steps != [event]) {
                reviews.complain(format!("the commit {commit} has the steps {steps:?}, not {event:?}"));
            }
        }
    }

    /// Waits until the consumers have read all there is, and nothing waits to be sent.
    async fn quiet(&self, deployment: &Deployment) {
        let (began, mut said) = (Instant::now(), String::new());
        // Twice, since what was handled between two looks may have left something in the outbox after the first.
        let mut quiet = 0;
        while quiet < 2 {
            assert!(began.elapsed() < QUIET, "waited {QUIET:?} in vain for all to be quiet: {said}");
            said = self.unquiet(deployment).await;
            quiet = if said.is_empty() { quiet + 1 } else { 0 };
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn unquiet(&self, deployment: &Deployment) -> String {
        let mut said = String::new();
        let brokers = deployment.brokers();
        for (group, topics) in [("review", [events::TOPIC, CHANGES].as_slice()), ("devops", &[REVIEWS])] {
            match block_in_place(|| topic::lag(brokers, group, topics)) {
                Ok(0) => {}
                Ok(lag) => said += &format!("{group} lags by {lag}; "),
                Err(error) => said += &format!("{group}: {error}; "),
            }
        }
        let tables = [
            ("review's outbox", &self.review, OUTBOX),
            ("devops' outbox", &self.devops, OUTBOX),
            ("repositories being imported", &self.devops, IMPORTING),
        ];
        for (what, database, statement) in tables {
            match database.count(statement).await {
                Ok(0) => {}
                Ok(rows) => said += &format!("{what}: {rows}; "),
                Err(error) => said += &format!("{what}: {error}; "),
            }
        }
        match self.devops.count("SELECT COUNT(*) FROM change").await {
            Ok(changes) if changes.unsigned_abs() >= self.commits => {}
            Ok(changes) => said += &format!("{changes} of {} commits are imported; ", self.commits),
            Err(error) => said += &format!("changes: {error}; "),
        }
        said
    }
}

fn load(count: &AtomicU64) -> f64 {
    count.load(Ordering::Relaxed) as f64
}

fn read_reviews(brokers: &str, published: &mut Published) {
    topic::read(brokers, REVIEWS, |record| {
        let payload = record.payload().expect("a review is no tombstone");
        let completed = ReviewCompleted::decode(payload).expect("a review is a ReviewCompleted");
        let review = completed.review.expect("a ReviewCompleted has the review");
        published.event(id(&review.id), id(topic::header(record, "ce_id")), &content(review));
    });
}

fn read_changes(brokers: &str, published: &mut Published) {
    topic::read(brokers, CHANGES, |record| {
        let payload = record.payload().expect("a change is no tombstone");
        let pushed = ChangePushed::decode(payload).expect("a change is a ChangePushed");
        let commit = pushed.change.expect("a ChangePushed has the change").commit;
        published.event(id(&pushed.change_id), id(topic::header(record, "ce_id")), &commit);
    });
}

fn content(review: Review) -> Content {
    let of = |severity: i32| {
        review.counts.iter().find(|of| of.severity == severity).map_or(0, |of| i64::from(of.count))
    };
    Content {
        counts: [of(1), of(2), of(3), of(4)],
        change_id: review.change_id,
        repository: review.repository_name,
        commit: review.commit,
        verdict: review.verdict.into(),
        reason: review.reason,
        files: review.files_scanned.into(),
        lines: review.lines_scanned.into(),
    }
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap_or_else(|_| panic!("{text} is no UUID"))
}

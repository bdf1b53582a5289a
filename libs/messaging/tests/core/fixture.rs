//! The service under test with its database, log and queue.

use std::{sync::Arc, time::Duration};

use septet_contract::{
    Catalog, Cause, Envelope, Event, Job, Record, Timestamp,
    cloudevents::{self, Origin},
    json::Limits,
};
use septet_messaging::{
    DeadLetter, DeadLetterState, DeadLetters, Dispatcher, Handlers, Relay, Settings, Units, Worker,
    dead_letter_topic,
    log::{Append, From, SharedLog, TopicSettings, embedded as embedded_log},
    migrations,
    queue::{Outgoing, QueueSettings, SharedQueue, embedded as embedded_queue},
    redrive_topic,
};
use septet_proto_devops::v1::{Change, ChangePushed, ImportCommits};
use septet_proto_review::v1::{DiffSubmitted, ReviewCompleted};
use septet_store::{Leases, Migrations, Store, StoreConfig, on_engine};
use septet_testkit::{Deadline, eventually, evidence::Workspace, servers, within};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::service::Reviewer;

/// A service that can be started, with everything that it stands on.
pub struct Fixture {
    pub store: Store,
    pub units: Units,
    pub log: SharedLog,
    pub queue: SharedQueue,
    pub service: Arc<Reviewer>,
    pub workspace: Workspace,
}

/// Bounds that make tests quick.
pub fn settings() -> Settings {
    Settings {
        attempts: 3,
        backoff_ms: 5,
        backoff_max_ms: 40,
        handler_timeout_secs: 1,
        job_timeout_secs: 1,
        relay_poll_ms: 20,
        workers: 1,
        ..Settings::default()
    }
}

/// Which database.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Fixture {
    /// `None` where the engine is not installed.
    pub async fn on(engine: Engine, test: &str) -> Option<Self> {
        let url = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(servers::postgres().await?.create_database().await),
        };
        Some(Self::with(StoreConfig { url, ..StoreConfig::default() }, test, settings()).await)
    }

    pub async fn sqlite(test: &str) -> Self {
        Self::with(StoreConfig::default(), test, settings()).await
    }

    pub async fn with(config: StoreConfig, test: &str, settings: Settings) -> Self {
        let workspace = Workspace::new(&format!("core::{test}"));
        let store = Store::open(&config, &workspace.path().join("review.db")).await.expect("a store");
        store.migrate(&migrations()).await.expect("the messaging tables");
        store.migrate(&effects()).await.expect("the service's table");
        let log: SharedLog =
            embedded_log::EmbeddedLog::open(workspace.path(), Default::default()).await.expect("a log");
        let queue: SharedQueue =
            embedded_queue::EmbeddedQueue::open(workspace.path(), Default::default()).await.expect("a queue");
        log.apply_topics(&topics("review")).await.expect("topics");
        let queues = [QueueSettings { name: ImportCommits::QUEUE.to_owned(), max_attempts: 8 }];
        queue.declare(&queues).await.expect("queues");
        let units = Units::new(store.clone(), "review", settings);
        Self { store, units, log, queue, service: Arc::default(), workspace }
    }

    pub fn handlers(&self) -> Arc<Handlers> {
        handlers(&self.service)
    }

    /// Everything runs: events, jobs and both relays.
    pub fn start(&self) -> Running {
        self.start_with(&self.units, &self.service, self.log.clone())
    }

    /// The same for another service, or with another way to the log.
    pub fn start_with(&self, units: &Units, service: &Arc<Reviewer>, log: SharedLog) -> Running {
        let mut running = Running::default();
        let handlers = handlers(service);
        let dispatcher = Dispatcher::new(units.clone(), log.clone(), catalog(), handlers.clone());
        let worker = Worker::new(units.clone(), self.queue.clone(), catalog(), handlers);
        let leases = Leases::new(self.store.clone(), "test".to_owned(), Duration::from_secs(8));
        running.spawn(|stop| async move { dispatcher.run(stop).await.expect("events") });
        running.spawn(|stop| async move { worker.run(stop).await.expect("jobs") });
        running.spawn_relay(Relay::events(units.clone(), leases.clone(), log));
        running.spawn_relay(Relay::jobs(units.clone(), leases, self.queue.clone()));
        running
    }

    /// Appends records as a producer does.
    pub async fn append(&self, topic: &str, records: impl IntoIterator<Item = Record>) {
        let records: Vec<_> =
            records.into_iter().map(|record| Append { topic: topic.to_owned(), record }).collect();
        for appended in self.log.append(records).await {
            appended.expect("appended");
        }
    }

    /// Sends a job as the relay does.
    pub async fn send(&self, record: Record) {
        let job = Outgoing { queue: ImportCommits::QUEUE.to_owned(), record, delay: Duration::ZERO };
        for sent in self.queue.send(vec![job]).await {
            sent.expect("sent");
        }
    }

    /// Names of all effects, in their order.
    pub async fn effects(&self) -> Vec<String> {
        let mut tx = self.store.read().await.expect("a reader");
        on_engine!(&mut tx, conn =>
            sqlx::query_scalar("SELECT name FROM effect ORDER BY position").fetch_all(conn).await)
        .expect("effects")
    }

    /// Waits for so many effects and gives them.
    pub async fn effects_of(&self, count: usize) -> Vec<String> {
        eventually(format!("{count} effects"), async || {
            let effects = self.effects().await;
            (effects.len() >= count).then_some(effects)
        })
        .await
    }

    /// Waits until nothing is left to handle and nothing to send.
    pub async fn idle(&self) {
        let mut quiet = 0;
        eventually("no work is left", async || {
            let mut behind = 0;
            for state in self.log.topics().await.expect("topics") {
                let read = [ChangePushed::TOPIC, DiffSubmitted::TOPIC, &redrive_topic("review")];
                if !read.contains(&state.name.as_str()) {
                    continue;
                }
                let done = self.log.committed("review", &state.name).await.expect("positions");
                for (range, partition) in state.partitions.iter().zip(0..) {
                    let next =
                        done.iter().find(|(number, _)| *number == partition).map_or(range.start, |(_, n)| *n);
                    behind += range.end - next;
                }
            }
            let jobs = self.queue.depth(ImportCommits::QUEUE).await.expect("depth");
            let rows = self.units.pending().await.expect("outbox").rows;
            let idle = behind == 0 && rows == 0 && jobs.ready + jobs.delayed + jobs.leased == 0;
            quiet = if idle { quiet + 1 } else { 0 };
            // Twice, as what was sent between the looks at the log and at the outbox is in neither.
            (quiet == 2).then_some(())
        })
        .await;
    }

    /// Every record of a topic, partition by partition.
    pub async fn records(&self, topic: &str) -> Vec<Record> {
        let states = self.log.topics().await.expect("topics");
        let state = states.into_iter().find(|state| state.name == topic).expect("the topic");
        let mut records = Vec::new();
        for (range, partition) in state.partitions.into_iter().zip(0..) {
            let mut reader = self.log.read(topic, partition, From::Start).await.expect("a reader");
            let mut next = range.start;
            while next < range.end {
                for fetched in reader.batch(256).await.expect("a batch") {
                    next = fetched.offset + 1;
                    records.push(fetched.record);
                }
            }
        }
        records
    }

    /// Change ids of the published reviews, sorted.
    pub async fn published(&self) -> Vec<String> {
        let records = self.records(ReviewCompleted::TOPIC).await;
        let mut ids: Vec<_> = records.iter().map(|record| envelope(record).subject.expect("a key")).collect();
        ids.sort();
        ids
    }

    pub fn letters(&self) -> DeadLetters {
        DeadLetters::new(self.units.clone())
    }

    /// Waits for so many open dead letters and gives them, oldest first.
    pub async fn open_letters(&self, count: usize) -> Vec<DeadLetter> {
        eventually(format!("{count} dead letters"), async || {
            let mut letters = self.letters().list(DeadLetterState::Open, None, 1_000).await.expect("listed");
            letters.reverse();
            (letters.len() >= count).then_some(letters)
        })
        .await
    }
}

/// Loops that run until they are drained.
#[derive(Default)]
pub struct Running {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    stop_relays: CancellationToken,
    relays: JoinSet<()>,
}

impl Running {
    pub fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task(self.stop.clone()));
    }

    pub fn spawn_relay(&mut self, relay: Relay) {
        self.relays.spawn(relay.run(self.stop_relays.clone()));
    }

    /// Takes nothing in any more, then sends what is left.
    pub async fn drain(mut self) {
        let ended = async {
            for (stop, tasks) in [(&self.stop, &mut self.tasks), (&self.stop_relays, &mut self.relays)] {
                stop.cancel();
                while let Some(ended) = tasks.join_next().await {
                    ended.expect("a loop without a panic");
                }
            }
        };
        within(Deadline::SHORT, "the drain", ended).await;
    }

    /// Ends the loops in the middle of whatever they do.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
        self.relays.shutdown().await;
    }
}

/// Runs async functions that take a [`Fixture`] as tests, once for each engine.
macro_rules! on_each_engine {
    ($($test:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                let of = $crate::fixture::Fixture::on($crate::fixture::Engine::Sqlite, test).await;
                super::$test(of.expect("always there")).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                let of = $crate::fixture::Fixture::on($crate::fixture::Engine::Postgres, test).await;
                if let Some(of) = of {
                    super::$test(of).await;
                }
            })+
        }
    };
}
pub(crate) use on_each_engine;

fn handlers(service: &Arc<Reviewer>) -> Arc<Handlers> {
    let mut handlers = Handlers::default();
    handlers.on::<ChangePushed, _>(Arc::clone(service));
    handlers.on::<DiffSubmitted, _>(Arc::clone(service));
    handlers.work::<ImportCommits, _>(Arc::clone(service));
    Arc::new(handlers)
}

fn effects() -> Migrations {
    Migrations::new(
        "effects",
        sqlx::migrate!("./tests/core/migrations/sqlite"),
        sqlx::migrate!("./tests/core/migrations/postgres"),
    )
}

pub fn catalog() -> Catalog {
    Catalog::new([
        &septet_proto_common::CONTRACT,
        &septet_proto_devops::CONTRACT,
        &septet_proto_review::CONTRACT,
    ])
}

pub fn topics(group: &str) -> Vec<TopicSettings> {
    let named = |name: &str, partitions| TopicSettings {
        name: name.to_owned(),
        partitions,
        retention: Duration::from_secs(3_600),
        retention_bytes: None,
    };
    let declared = catalog().topics().into_values().map(|topic| named(topic.name, topic.partitions));
    declared.chain([named(&dead_letter_topic(group), 1), named(&redrive_topic(group), 1)]).collect()
}

/// An event of a key, told apart by its name.
pub fn pushed(key: &str, name: &str) -> ChangePushed {
    let change = Change { commit: name.to_owned(), ..Change::default() };
    ChangePushed { change_id: key.to_owned(), change: Some(change), ..ChangePushed::default() }
}

/// The record of an event, with an id of its own.
pub fn record_of<E: Event>(event: &E) -> Record {
    cloudevents::to_record(&Envelope::of_event(event, "/test", Timestamp::now(), &Cause::default()))
}

/// The record of a change whose key and name are the same.
pub fn record(name: &str) -> Record {
    record_of(&pushed(name, name))
}

/// The record of a job, with an id of its own.
pub fn job(repository: &str) -> Record {
    let job = ImportCommits { repository_id: repository.to_owned() };
    cloudevents::to_record(&Envelope::of_job(&job, "/test", Timestamp::now(), &Cause::default()))
}

/// Reads a published review.
pub fn envelope(record: &Record) -> Envelope {
    let origin = Origin { topic: ReviewCompleted::TOPIC, partition: 0, offset: 0 };
    cloudevents::decode(record, origin, &catalog(), &Limits::default()).expect("readable")
}

/// A header's text; empty where it is not there.
pub fn header(record: &Record, key: &str) -> String {
    record.header(key).map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
}

//! A process of a test's own, with everything real but the network: for the component tests of services.

use septet_chassis::{
    Mode, Process, ProcessConfig, Started,
    contract::{Event, Record},
    messaging::log::From as Begin,
};

use crate::{Deadline, eventually, servers, within};

/// Where a process keeps what it has: a directory, and PostgreSQL or SQLite files.
pub struct Bed {
    dir: tempfile::TempDir,
    /// PostgreSQL, or SQLite where there is none.
    url: Option<String>,
}

/// Each test once for each store: `on_both_stores!(a_test, another)` for functions of a [`Bed`].
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::service::Bed::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(bed) = $crate::service::Bed::postgres().await else { return };
                super::$name(bed).await;
            })+
        }
    };
}

impl Bed {
    /// On SQLite.
    ///
    /// # Panics
    /// If there is no room for a directory.
    pub fn sqlite() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), url: None }
    }

    /// On a new PostgreSQL database; `None` where there is no server.
    pub async fn postgres() -> Option<Self> {
        let server = servers::postgres().await?;
        Some(Self { url: Some(server.create_database().await), ..Self::sqlite() })
    }

    /// Starts a service of this name with some settings, migrating its database. `with` adds it to a process.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(
        &self,
        name: &'static str,
        with: impl Fn(Process) -> Process,
        settings: &[(&str, serde_json::Value)],
    ) -> Started {
        let mut defaults = ProcessConfig::defaults(0, 0, false);
        defaults.data_dir = self.dir.path().join("data");
        let config = self.dir.path().join("septet.toml");
        std::fs::write(&config, "").expect("a configuration file");
        let process = || with(Process::new(name, defaults.clone()));
        let mut source = process().source(Some(&config)).expect("a configuration");
        for (key, value) in settings {
            source = source.with_option("--test", key, value);
        }
        if let Some(url) = &self.url {
            source = source.with_option("--test", "store.url", url);
            process().migrate(&source, Deadline::LONG).await.expect("migrated");
        }
        process().start(source, Mode::Serve).await.expect("started")
    }
}

/// Waits until a process has nothing left to handle, to work on or to send.
///
/// # Panics
/// If it does not come to rest.
pub async fn idle(started: &Started) {
    let observer = started.observer();
    eventually("all is idle", async || {
        let backlog = observer.backlog().await.expect("backends that answer")?;
        backlog.is_empty().then_some(())
    })
    .await;
}

/// All records of a topic, partition by partition.
///
/// # Panics
/// If the topic is not there or cannot be read.
pub async fn records(started: &Started, topic: &str) -> Vec<Record> {
    let log = started.log();
    let topics = log.topics().await.expect("topics");
    let state = topics.into_iter().find(|state| state.name == topic).expect("the topic");
    let mut records = Vec::new();
    for (partition, range) in (0..).zip(&state.partitions).filter(|(_, range)| range.start < range.end) {
        let mut reader = log.read(topic, partition, Begin::Start).await.expect("a reader");
        let mut next = range.start;
        while next < range.end {
            let batch = within(Deadline::SHORT, "records", reader.batch(1_000)).await.expect("a batch");
            next = batch.last().map_or(range.end, |last| last.offset + 1);
            records.extend(batch.into_iter().map(|fetched| fetched.record));
        }
    }
    records
}

/// Every event of a type with its id, once all are sent. One that was sent twice is there twice.
///
/// # Panics
/// If a record is not such an event, or its key is not the event's.
pub async fn published<E: Event>(started: &Started) -> Vec<(String, E)> {
    idle(started).await;
    let records = records(started, E::TOPIC).await;
    let events =
        records.into_iter().filter(|record| record.header("ce_type").is_some_and(|name| *name == E::TYPE));
    events
        .map(|record| {
            let id = record.header("ce_id").expect("an id").to_vec();
            let event = E::decode(record.value.expect("a value")).expect("an event");
            assert_eq!(record.key.expect("a key"), event.key().as_bytes());
            (String::from_utf8(id).expect("a text"), event)
        })
        .collect()
}

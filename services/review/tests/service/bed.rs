//! A review process of the test's own, with everything real but the network.

use prost::Message as _;
use septet_chassis::{
    Channel, Mode, Process, ProcessConfig, Started,
    contract::{Cause, Envelope, Event, Timestamp, cloudevents::to_record},
    messaging::log::{Append, From as Begin},
};
use septet_proto_devops::v1::{Change, ChangePushed, Diff};
use septet_proto_review::v1::{ReviewCompleted, review_service_client::ReviewServiceClient};
use septet_testkit::{Deadline, eventually, servers, within};

/// Where a process keeps what it has.
pub struct Bed {
    dir: tempfile::TempDir,
    /// PostgreSQL, or SQLite where there is none.
    url: Option<String>,
}

impl Bed {
    pub fn sqlite() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), url: None }
    }

    pub async fn postgres() -> Option<Self> {
        let server = servers::postgres().await?;
        Some(Self { url: Some(server.create_database().await), ..Self::sqlite() })
    }

    pub async fn start(&self) -> Running {
        let mut defaults = ProcessConfig::defaults(0, 0, false);
        defaults.data_dir = self.dir.path().join("data");
        let config = self.dir.path().join("septet.toml");
        std::fs::write(&config, "").unwrap();
        let process = || Process::new("review", defaults.clone()).with(septet_review::service());
        let mut source = process().source(Some(&config)).unwrap();
        if let Some(url) = &self.url {
            source = source.with_option("--store", "store.url", url);
            process().migrate(&source).await.unwrap();
        }
        Running { started: process().start(source, Mode::Serve).await.unwrap() }
    }
}

pub struct Running {
    pub started: Started,
}

impl Running {
    pub fn client(&self) -> ReviewServiceClient<Channel> {
        ReviewServiceClient::new(self.started.channel())
    }

    /// Appends an event as devops would, so many times.
    pub async fn push(&self, event: &ChangePushed, times: usize) {
        let envelope = Envelope::of_event(event, "/septet/devops", Timestamp::now(), &Cause::default());
        let append = Append { topic: ChangePushed::TOPIC.to_owned(), record: to_record(&envelope) };
        for result in self.started.log().append(vec![append; times]).await {
            result.unwrap();
        }
    }

    /// Waits until nothing is left to do.
    pub async fn idle(&self) {
        let observer = self.started.observer();
        eventually("all is idle", async || {
            let backlog = observer.backlog().await.unwrap()?;
            backlog.is_empty().then_some(())
        })
        .await;
    }

    /// Every published review.
    pub async fn published(&self) -> Vec<ReviewCompleted> {
        self.idle().await;
        let log = self.started.log();
        let topics = log.topics().await.unwrap();
        let state = topics.into_iter().find(|state| state.name == ReviewCompleted::TOPIC).unwrap();
        let mut published = Vec::new();
        for (partition, range) in (0..).zip(&state.partitions).filter(|(_, range)| range.start < range.end) {
            let mut reader = log.read(ReviewCompleted::TOPIC, partition, Begin::Start).await.unwrap();
            let mut next = range.start;
            while next < range.end {
                let batch = within(Deadline::SHORT, "records", reader.batch(1_000)).await.unwrap();
                next = batch.last().unwrap().offset + 1;
                let values = batch.into_iter().map(|fetched| fetched.record.value.unwrap());
                published.extend(values.map(|value| ReviewCompleted::decode(value).unwrap()));
            }
        }
        published
    }
}

/// A token that the rules know, put together here so that this file has none.
pub fn token() -> String {
    format!("{}{}", "ghp_", "b7Xk2LmQ9sWcR4tYvN8pDfGhJzA1eU6iOoT3")
}

/// A diff that adds a file of these lines.
pub fn diff(file: &str, lines: &[&str]) -> Vec<u8> {
    let mut text =
        format!("diff --git a/{file} b/{file}\nnew file mode 100644\n--- /dev/null\n+++ b/{file}\n");
    text += &format!("@@ -0,0 +1,{} @@\n", lines.len());
    lines.iter().for_each(|line| text += &format!("+{line}\n"));
    text.into_bytes()
}

/// A pushed change with its diff inline.
pub fn change(id: &str, diff: Vec<u8>) -> ChangePushed {
    let size = diff.len() as u64;
    ChangePushed {
        change_id: id.to_owned(),
        change: Some(Change {
            id: id.to_owned(),
            repository_id: "repository".to_owned(),
            repository_name: "shop".to_owned(),
            commit: format!("{id:0>40}"),
            ..Change::default()
        }),
        diff: Some(Diff { inline: diff.into(), size, complete: true, ..Diff::default() }),
    }
}

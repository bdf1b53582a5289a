//! A soc process of the test's own, and what it looks at.

use std::sync::Arc;

use septet_chassis::{
    Channel, Started,
    contract::{Cause, Envelope, Event, Record, Timestamp, cloudevents::to_record},
    messaging::log::Append,
};
use septet_proto_devops::v1::{Change, ChangePushed, Diff, FileChange, FileStatus, Person};
use septet_proto_soc::v1::{Alert, AlertRaised, ListAlertsRequest, soc_service_client::SocServiceClient};
use septet_testkit::service::{self, Bed};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::devops::{self, Known};

/// A running process, and the devops that it asks.
pub struct Running {
    pub started: Started,
    pub devops: Arc<Mutex<Known>>,
    rules: tempfile::TempDir,
}

/// A rule over a log of its own.
pub const WORD: &str = "title: A word\nid: word\nlevel: medium\nlogsource:\n    product: test\ndetection:\n    s:\n        \
                        message|contains: word\n    condition: s\n";
/// A rule over pushed changes.
pub const CRITICAL: &str = "title: A forbidden file\nid: forbidden\nlevel: critical\nlogsource:\n    product: septet\n    service: \
                            devops\n    category: change\ndetection:\n    s:\n        files: forbidden\n    condition: s\n";

impl Running {
    pub async fn on(bed: &Bed) -> Self {
        Self::with(bed, &[("word.yml", WORD), ("forbidden.yml", CRITICAL)], &[]).await
    }

    pub async fn with(bed: &Bed, rules: &[(&str, &str)], settings: &[(&str, Value)]) -> Self {
        let (address, known) = devops::serve().await;
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in rules {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let mut all = vec![
            ("soc.rules_dir", json!(directory.path())),
            ("clients.urls.devops", json!(format!("http://{address}"))),
        ];
        all.extend_from_slice(settings);
        let started = bed.start("soc", |process| process.with(septet_soc::service()), &all).await;
        Self { started, devops: known, rules: directory }
    }

    pub fn client(&self) -> SocServiceClient<Channel> {
        SocServiceClient::new(self.started.channel())
    }

    /// Appends an event as its publisher would, so many times.
    pub async fn push<E: Event>(&self, event: &E, times: usize) {
        let envelope = Envelope::of_event(event, "/septet/test", Timestamp::now(), &Cause::default());
        self.append(E::TOPIC, to_record(&envelope), times).await;
    }

    /// Appends a record as any Kafka client would.
    pub async fn append(&self, topic: &str, record: Record, times: usize) {
        let append = Append { topic: topic.to_owned(), record };
        for result in self.started.log().append(vec![append; times]).await {
            result.unwrap();
        }
    }

    pub async fn idle(&self) {
        service::idle(&self.started).await;
    }

    /// Every published alert.
    pub async fn raised(&self) -> Vec<Alert> {
        let events = service::published::<AlertRaised>(&self.started).await;
        events.into_iter().map(|(_, event)| event.alert.unwrap()).collect()
    }

    /// Alerts that are listed, newest first.
    pub async fn listed(&self, request: ListAlertsRequest) -> Vec<Alert> {
        self.idle().await;
        self.client().list_alerts(request).await.unwrap().into_inner().alerts
    }

    /// Ends the process; its rules stay for the next one.
    pub async fn drain(self) {
        self.started.drain().await.unwrap();
        drop(self.rules);
    }
}

pub fn file(path: &str, status: FileStatus) -> FileChange {
    FileChange { path: path.to_owned(), status: status.into(), ..FileChange::default() }
}

/// A pushed change of these files.
pub fn change(id: &str, files: Vec<FileChange>) -> ChangePushed {
    let files_total = u32::try_from(files.len()).unwrap();
    ChangePushed {
        change_id: id.to_owned(),
        change: Some(Change {
            id: id.to_owned(),
            repository_id: "repository".to_owned(),
            repository_name: "shop".to_owned(),
            commit: format!("{id:0>40}"),
            r#ref: "refs/heads/main".to_owned(),
            author: Some(Person { name: "Ann".to_owned(), email: "ann@shop.dev".to_owned() }),
            committed_time: Some(Timestamp::now().into()),
            authored_time: Some(Timestamp::now().into()),
            files,
            files_total,
            ..Change::default()
        }),
        diff: Some(Diff { complete: true, ..Diff::default() }),
        ..ChangePushed::default()
    }
}

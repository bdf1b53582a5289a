//! A docs process of the test's own, and a devops that has its trees.

use std::sync::Arc;

use septet_chassis::{
    Channel, Started,
    contract::{Cause, Envelope, Event, Timestamp, cloudevents::to_record},
    messaging::log::Append,
};
use septet_proto_devops::v1::{Change, ChangePushed, FileChange};
use septet_proto_docs::v1::{DocsChecked, docs_service_client::DocsServiceClient};
use septet_testkit::service::{self, Bed};
use tokio::sync::Mutex;

use crate::devops::{self, Has};

/// A running process.
pub struct Running {
    pub started: Started,
    pub devops: Arc<Mutex<Has>>,
}

impl Running {
    pub async fn on(bed: &Bed) -> Self {
        let (address, devops) = devops::serve().await;
        let url = serde_json::json!(format!("http://{address}"));
        let settings = [("clients.urls.devops", url)];
        let started = bed.start("docs", |process| process.with(septet_docs::service()), &settings).await;
        Self { started, devops }
    }

    pub fn client(&self) -> DocsServiceClient<Channel> {
        DocsServiceClient::new(self.started.channel())
    }

    /// Gives devops a change with its files and those of its parent, and pushes it so many times.
    pub async fn push(&self, id: &str, parent: &[(&str, &str)], head: &[(&str, &str)], times: usize) {
        let owned = |files: &[(&str, &str)]| -> Vec<(String, String)> {
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
        };
        self.devops.lock().await.changes.insert(id.to_owned(), (owned(head), owned(parent)));
        self.announce(id, parent, head, times).await;
    }

    /// Pushes a change whether devops has it or not.
    pub async fn announce(&self, id: &str, parent: &[(&str, &str)], head: &[(&str, &str)], times: usize) {
        let touched =
            head.iter().chain(parent).filter(|file| !(head.contains(file) && parent.contains(file)));
        let files: Vec<FileChange> = touched
            .map(|(path, _)| FileChange { path: (*path).to_owned(), ..FileChange::default() })
            .collect();
        let event = ChangePushed {
            change_id: id.to_owned(),
            change: Some(Change {
                id: id.to_owned(),
                repository_id: "repository".to_owned(),
                repository_name: "shop".to_owned(),
                commit: format!("{id:0>40}"),
                parents: vec!["0".repeat(40)],
                files_total: u32::try_from(files.len()).unwrap(),
                files,
                ..Change::default()
            }),
            ..ChangePushed::default()
        };
        let envelope = Envelope::of_event(&event, "/septet/devops", Timestamp::now(), &Cause::default());
        let append = Append { topic: ChangePushed::TOPIC.to_owned(), record: to_record(&envelope) };
        for result in self.started.log().append(vec![append; times]).await {
            result.unwrap();
        }
    }

    /// Every event of a type.
    pub async fn published<E: Event>(&self) -> Vec<E> {
        service::published(&self.started).await.into_iter().map(|(_, event)| event).collect()
    }

    /// The one check of a change.
    pub async fn check(&self, id: &str) -> septet_proto_docs::v1::DocsCheck {
        let mut of = self.published::<DocsChecked>().await;
        of.retain(|event| event.change_id == id);
        assert_eq!(of.len(), 1, "{of:#?}");
        of.remove(0).check.unwrap()
    }
}

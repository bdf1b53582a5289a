//! A review process of the test's own, and what it reviews.

use septet_chassis::{
    Channel, Started,
    contract::{Cause, Envelope, Event, Timestamp, cloudevents::to_record},
    messaging::log::Append,
};
use septet_proto_devops::v1::{Change, ChangePushed, Diff};
use septet_proto_review::v1::{ReviewCompleted, review_service_client::ReviewServiceClient};
use septet_testkit::service::{self, Bed};

/// A running process.
pub struct Running {
    pub started: Started,
}

impl Running {
    pub async fn on(bed: &Bed) -> Self {
        Self { started: bed.start("review", |process| process.with(septet_review::service()), &[]).await }
    }

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

    pub async fn idle(&self) {
        service::idle(&self.started).await;
    }

    /// Every published review.
    pub async fn published(&self) -> Vec<ReviewCompleted> {
        service::published(&self.started).await.into_iter().map(|(_, event)| event).collect()
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
        ..ChangePushed::default()
    }
}

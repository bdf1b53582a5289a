//! Topics as those outside see them: what is published, and what can be read.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use septet_e2e::{Channel, Deployment, Finished};
use septet_proto_common::v1::{TailEventsRequest, admin_service_client::AdminServiceClient};
use serde_json::Value;

use super::site::{Site, Topology};

/// Where outside producers write.
pub const INGEST: &str = "review.diff.ingest.v1";
/// What is written there.
pub const SUBMITTED: &str = "septet.review.v1.DiffSubmitted";
/// Where devops publishes commits.
pub const CHANGES: &str = "devops.change.v1";
/// Where review publishes its verdicts.
pub const REVIEWS: &str = "review.review.v1";

/// Appends a record as an outside producer does: with a Kafka client, or on the embedded log with `septet events publish`.
pub async fn publish(
    site: &Site,
    septet: &Deployment,
    topic: &str,
    key: &str,
    headers: &[(&str, &str)],
    value: &[u8],
) {
    if site.topology == Topology::Suite {
        let file = site.path(&format!("{:032x}.record", rand::random::<u128>()));
        std::fs::write(&file, value).expect("written");
        let path = file.to_str().expect("text");
        let mut command = septet.command(&["events", "publish", topic, "--key", key, "--file", path]);
        for (name, value) in headers {
            command.arg("--header").arg(format!("{name}={value}"));
        }
        let published = Finished::of(command);
        assert!(published.status.success(), "septet events publish: {}", published.stderr);
        return;
    }
    produce(septet, topic, key, headers, value).await;
}

/// Appends a record with a Kafka client.
pub async fn produce(septet: &Deployment, topic: &str, key: &str, headers: &[(&str, &str)], value: &[u8]) {
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", septet.brokers()).create().expect("a producer");
    let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(*value) })
    });
    let record = FutureRecord::to(topic).key(key).headers(headers).payload(value);
    producer.send(record, Duration::from_secs(30)).await.expect("Kafka takes the record");
}

/// All readable events of a topic as structured CloudEvents JSON.
async fn events(review: Channel, topic: &str) -> Vec<Value> {
    let mut client = AdminServiceClient::new(review);
    let request = TailEventsRequest { topics: vec![topic.to_owned()], from_start: true, until_end: true };
    let mut replies = client.tail_events(request).await.expect("events are followed").into_inner();
    let mut events = Vec::new();
    while let Some(reply) = replies.message().await.expect("the stream goes on") {
        if reply.error.is_empty() {
            events.push(serde_json::from_str(&reply.cloud_event_json).expect("JSON"));
        }
    }
    events
}

/// The events of a topic whose value at `path` is this one.
pub async fn events_with(review: Channel, topic: &str, path: &str, value: &str) -> Vec<Value> {
    let mut events = events(review, topic).await;
    events.retain(|event| event.pointer(path).and_then(Value::as_str) == Some(value));
    events
}

/// A diff that adds a GitHub token, put together here.
pub fn diff_with_a_token() -> String {
    let token = format!("{}{}", "ghp_", "b7Xk2LmQ9sWcR4tYvN8pDfGhJzA1eU6iOoT3");
    format!(
        "diff --git a/deploy.sh b/deploy.sh\n--- a/deploy.sh\n+++ b/deploy.sh\n@@ -0,0 +1 @@\n+export TOKEN={token}\n"
    )
}

/// A submission as JSON, with the diff of [`diff_with_a_token`].
pub fn submission(repository: &str, commit: &str) -> Value {
    serde_json::json!({"repository": repository, "commit": commit, "diff": diff_with_a_token()})
}

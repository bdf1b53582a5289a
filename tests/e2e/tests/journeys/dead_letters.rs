//! A producer's events, good and malformed, and what an operator does about the latter.

use septet_e2e::{Running, Septet};
use septet_testkit::{eventually, evidence::Workspace};
use serde_json::Value;

use crate::deployed::wire::diff_with_a_token;

const TOPIC: &str = "review.diff.ingest.v1";

fn submission() -> String {
    serde_json::json!({"repository": "shop", "diff": diff_with_a_token()}).to_string()
}

/// A server that is ready.
async fn server(septet: &Septet) -> Running {
    let running = septet.start(&["up"], "up.log");
    eventually("the server answers", async || septet.run(&["topics"]).status.success().then_some(())).await;
    running
}

fn reviews(septet: &Septet) -> Vec<Value> {
    let reply: Value = serde_json::from_str(&septet.ok(&["call", "review.ListReviews"])).expect("JSON");
    reply["reviews"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_published_diff_is_reviewed_like_one_that_comes_by_a_call() {
    let workspace = Workspace::new("dead_letters::published");
    let septet = Septet::new(workspace.path());
    let _server = server(&septet).await;

    // Bare JSON, as a client without CloudEvents sends it, and binary JSON with its headers.
    septet.ok(&["events", "publish", TOPIC, "--key", "shop", "--value", &submission()]);
    let name = "septet.review.v1.DiffSubmitted";
    septet.ok(&["events", "publish", TOPIC, "--key", "shop", "--type", name, "--value", &submission()]);
    let found = eventually("both diffs are reviewed", async || {
        let found = reviews(&septet);
        (found.len() == 2).then_some(found)
    })
    .await;

    use base64::Engine;
    let diff = base64::engine::general_purpose::STANDARD.encode(diff_with_a_token());
    let request = serde_json::json!({"repository": "shop", "diff": diff, "request_id": "one"}).to_string();
    let called: Value =
        serde_json::from_str(&septet.ok(&["call", "review.ReviewDiff", &request])).expect("JSON");
    let again: Value =
        serde_json::from_str(&septet.ok(&["call", "review.ReviewDiff", &request])).expect("JSON");
    assert_eq!(called, again, "a retry with the same request_id gets the same reply");
    for review in found.iter().chain([&called["review"]]) {
        assert_eq!(review["verdict"], "VERDICT_FAILED", "{review}");
        assert_eq!(review["repositoryName"], "shop", "{review}");
    }
    assert_eq!(reviews(&septet).len(), 3, "the retry made no fourth review");
}

#[tokio::test]
async fn a_malformed_event_is_dead_lettered_with_its_reason_and_can_be_mended() {
    let workspace = Workspace::new("dead_letters::mended");
    let septet = Septet::new(workspace.path());
    let server = server(&septet).await;

    septet.ok(&[
        "events",
        "publish",
        TOPIC,
        "--key",
        "shop",
        "--value",
        "{\"repository\": \"shop\", \"dif\": \"\"}",
    ]);
    let letter = eventually("the event is dead-lettered", async || {
        let list = septet.ok(&["dlq", "list", "--json"]);
        list.lines().next().map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
    })
    .await;
    assert_eq!(letter["service"], "review");
    assert_eq!(letter["reason"], "invalid_payload");
    assert_eq!(letter["origin"], TOPIC);
    assert!(letter["error"].as_str().is_some_and(|error| error.contains("dif")), "{letter}");
    let id = letter["id"].as_str().expect("an id");
    assert!(septet.ok(&["dlq", "show", id]).contains("\\\"dif\\\""));

    // As it is, it comes back.
    septet.ok(&["dlq", "redrive", id]);
    let second = eventually("it is dead-lettered again", async || {
        let list = septet.ok(&["dlq", "list", "--json"]);
        list.lines().next().map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
    })
    .await;
    let id = second["id"].as_str().expect("an id");

    // Mended, it is reviewed.
    let mended = workspace.path().join("mended.json");
    std::fs::write(&mended, submission()).expect("written");
    septet.ok(&["dlq", "redrive", id, "--file", mended.to_str().expect("text")]);
    eventually("the mended diff is reviewed", async || (reviews(&septet).len() == 1).then_some(())).await;
    assert_eq!(septet.ok(&["dlq", "list"]), "no dead letters\n");
    assert_eq!(septet.ok(&["dlq", "list", "--state", "redriven", "--json"]).lines().count(), 2);

    let finished = server.terminate();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    // Without a server the same commands work on the data directory.
    assert_eq!(reviews(&septet).len(), 1);
}

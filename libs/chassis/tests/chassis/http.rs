//! Health and metrics over HTTP.

use septet_testkit::eventually;

use crate::fixture::{Server, get, review};

#[tokio::test]
async fn health_readiness_and_metrics_are_served() {
    let mut server = Server::start("http::served", "").await;
    let (status, body) = get(server.admin, "/healthz").await.expect("answered");
    assert!(status.contains("200") && body.contains("ok"), "{status} {body}");
    let (status, body) = get(server.admin, "/readyz").await.expect("answered");
    assert!(status.contains("200") && body.contains("ready"), "{status} {body}");
    review(server.channel(), "any").await.expect("answered");
    let (status, body) = get(server.admin, "/metrics").await.expect("answered");
    assert!(status.contains("200"), "{status}");
    for name in ["build_info", "rpc_server_call_duration", "outbox_pending"] {
        assert!(body.contains(name), "{name} in {body}");
    }
    assert!(body.contains("service=\"review\""), "{body}");
    let (status, _) = get(server.admin, "/nowhere").await.expect("answered");
    assert!(status.contains("404"), "{status}");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_dependency_that_is_gone_is_named_and_the_process_still_lives() {
    let mut server = Server::start("http::gone", "").await;
    server.started.as_ref().expect("it runs").log().close().await;
    eventually("the log is named", async || {
        let (status, body) = get(server.admin, "/readyz").await.expect("answered");
        (status.contains("503") && body.contains("log: ")).then_some(())
    })
    .await;
    let (status, _) = get(server.admin, "/livez").await.expect("answered");
    assert!(status.contains("200"), "{status}");
    // The loops see it too, and the process is to end: the platform starts it again.
    let failed = septet_testkit::within(
        septet_testkit::Deadline::SHORT,
        "the failure",
        server.started.as_mut().expect("it runs").failed(),
    );
    assert!(format!("{:#}", failed.await).contains("review.events"), "the task is named");
}

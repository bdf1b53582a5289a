//! Health and metrics over HTTP.

use std::sync::Arc;

use septet_chassis::{HttpBoot, LocalServer, Mode};
use septet_proto_common::v1::{
    ApplyTopicsRequest, ListTopicsRequest, admin_service_client::AdminServiceClient,
};
use septet_testkit::{eventually, evidence::Workspace};

use crate::fixture::{Server, configured, get, process, review};

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

#[tokio::test]
async fn pages_are_served_beside_health_and_call_the_services_of_the_process() {
    let workspace = Workspace::new("chassis::http::pages");
    let file = configured(&workspace, "");
    let process = process(&Arc::default()).http(|boot: HttpBoot| {
        let (stop, channel) = (boot.stop(), boot.channel("page", &["viewer"]));
        let found = async move || {
            let mut admin = AdminServiceClient::new(channel);
            let listed = admin.list_topics(ListTopicsRequest {}).await.map(|_| "listed");
            let denied = admin.apply_topics(ApplyTopicsRequest {}).await.expect_err("not for a viewer");
            format!("{} {:?} {}", listed.unwrap_or("not listed"), denied.code(), stop.is_cancelled())
        };
        Ok(axum::Router::new().route("/", axum::routing::get(found)))
    });
    let source = process.source(Some(&file)).expect("a configuration");
    let started = process.start(source, Mode::Serve).await.expect("started");
    let config = started.config().clone();
    let (status, body) = get(config.admin.listen, "/").await.expect("answered");
    assert!(status.contains("200") && body.contains("listed PermissionDenied false"), "{status} {body}");
    let (status, body) = get(config.admin.listen, "/livez").await.expect("answered");
    assert!(status.contains("200") && body.contains("ok"), "{status} {body}");
    let (status, _) = get(config.admin.listen, "/nowhere").await.expect("answered");
    assert!(status.contains("404"), "{status}");
    // Commands on this machine find the pages, and what signs in to them.
    let found = LocalServer::http(&config.data_dir).expect("readable").expect("it runs");
    assert_eq!(found, format!("http://{}", config.admin.listen));
    assert!(LocalServer::token(&config.data_dir).expect("readable").starts_with("local_"));
    started.drain().await.expect("drained");
    assert_eq!(LocalServer::http(&config.data_dir).expect("readable"), None);
}

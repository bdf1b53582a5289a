//! A server that watches, and clients of other languages' kind: plain gRPC with a token.

use septet_e2e::{Repository, Running, Septet};
use septet_proto_devops::v1::{ListChangesRequest, devops_service_client::DevopsServiceClient};
use septet_testkit::{eventually, evidence::Workspace};
use serde_json::Value;
use tonic::{Code, Request, transport::Channel};

/// Reads events until one is of this kind.
fn until(running: &mut Running, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let line = running.line().expect("another event");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        if is(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_watched_repository_is_reviewed_as_it_grows_and_the_journey_shows_it() {
    let workspace = Workspace::new("server::watched");
    let mut repository = Repository::new(&workspace.path().join("repo"));
    repository.fill(3);
    let septet = Septet::new(workspace.path());
    let path = repository.path().to_str().expect("text").to_owned();
    let mut running = septet.start(&["up", "--repo", &path, "--json"], "up.log");
    for _ in 0..3 {
        until(&mut running, |event| event["type"] == "septet.devops.v1.ReleaseDecided");
    }

    let commit = repository.commit("README.md", "# A shop\n", "Add a README");
    let change = until(&mut running, |event| event["type"] == "septet.devops.v1.ChangePushed");
    assert_eq!(change["data"]["change"]["commit"], commit);
    let id = change["data"]["changeId"].as_str().expect("an id");
    until(&mut running, |event| event["data"]["release"]["changeId"] == id);

    let request = format!("{{\"changeId\": \"{id}\"}}");
    let services = ["review", "docs", "cost", "soc", "devops"];
    let journey = eventually("the journey has each service's step", async || {
        let journey: Value =
            serde_json::from_str(&septet.ok(&["call", "devops.GetJourney", &request])).expect("JSON");
        let steps = journey["steps"].as_array().cloned().unwrap_or_default();
        let has = |service: &&str| steps.iter().any(|step| step["service"] == **service);
        services.iter().all(has).then_some(steps)
    })
    .await;
    assert!(journey.iter().all(|step| step["outcome"] != "VERDICT_FAILED"), "{journey:#?}");
    let tree = septet.ok(&["journey", &commit]);
    for service in services {
        assert!(tree.contains(service), "{service} is not in {tree}");
    }
    let finished = running.terminate();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
}

#[tokio::test]
async fn a_grpc_client_needs_a_token() {
    let workspace = Workspace::new("server::token");
    let septet = Septet::new(workspace.path());
    let _server = septet.start(&["up"], "up.log");
    let address = eventually("the server has an address", async || {
        std::fs::read_to_string(septet.data().join("address")).ok().filter(|text| !text.is_empty())
    })
    .await;
    let channel: Channel = eventually("the server listens", async || {
        Channel::from_shared(format!("http://{address}")).expect("a URL").connect().await.ok()
    })
    .await;
    let mut client = DevopsServiceClient::new(channel);

    let denied = client.list_changes(ListChangesRequest::default()).await.expect_err("no token, no call");
    assert_eq!(denied.code(), Code::Unauthenticated, "{denied:?}");

    let token = std::fs::read_to_string(septet.data().join("token")).expect("the token");
    let mut request = Request::new(ListChangesRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    let reply = client.list_changes(request).await.expect("with the token it may call");
    assert!(reply.into_inner().changes.is_empty());
}

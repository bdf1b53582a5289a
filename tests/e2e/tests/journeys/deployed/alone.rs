//! Each service alone on real servers, with all others absent: it does its part, and what it misses it says and waits for.

use septet_e2e::{Deployment, Repository, Servers};
use septet_proto_cx::v1::{
    EvaluateRequest, PutFeatureRequest, ValueSource, cx_service_client::CxServiceClient,
};
use septet_proto_devops::v1::{
    ListReleasesRequest, ReleaseState, devops_service_client::DevopsServiceClient,
};
use septet_proto_pipeline::v1::{
    GetRunRequest, RunState, SubmitRunRequest, pipeline_service_client::PipelineServiceClient,
};
use septet_testkit::{Deadline, eventually_in, evidence::Workspace, json::object};
use serde_json::json;

use super::{
    changes::register,
    wire::{self, CHANGES},
};

/// What a service answers to a change, and where.
const ANSWERS: [(&str, &str); 4] = [
    ("review", "review.review.v1"),
    ("docs", "docs.check.v1"),
    ("cost", "cost.estimate.v1"),
    ("soc", "soc.assessment.v1"),
];
/// A definition that needs nobody.
const DEFINITION: &str = "name: sums\ntasks:\n  sum:\n    transform: { filter: '1 + 2' }\n";

#[tokio::test]
async fn each_service_does_its_part_with_the_others_absent() {
    let workspace = Workspace::new("deployed::alone");
    let Some(servers) = Servers::start(&workspace) else { return };
    for (service, topic) in ANSWERS {
        let septet = Deployment::alone_on(&workspace.path().join(service), &servers, service).up().await;
        pushed(&septet, service, "NOTICE").await;
        eventually_in(Deadline::LONG, format!("{service} answers on {topic}"), async || {
            let channel = septet.channel(service);
            let events = wire::events_with(channel, topic, "/data/changeId", &id_of(service)).await;
            (events.len() == 1).then_some(())
        })
        .await;
        if service == "docs" {
            // What is in a file only devops knows.
            pushed(&septet, "docs-of-source", "shop/__init__.py").await;
            eventually_in(Deadline::LONG, "docs says whom it waits for", async || {
                septet
                    .log("docs-0")
                    .lines()
                    .any(|line| line.contains("WARN") && line.contains("devops"))
                    .then_some(())
            })
            .await;
        }
    }
    devops(&servers, &workspace).await;
    pipeline(&servers, &workspace).await;
    cx(&servers, &workspace).await;
}

fn id_of(name: &str) -> String {
    format!("change-for-{name}")
}

/// Publishes a change as devops would.
async fn pushed(septet: &Deployment, name: &str, file: &str) {
    let id = id_of(name);
    let diff = format!("--- a/{file}\n+++ b/{file}\n@@ -0,0 +1 @@\n+hello\n");
    let data = json!({
        "changeId": id,
        "change": {
            "id": id, "repositoryId": "r", "repositoryName": "shop", "ref": "refs/heads/main",
            "commit": "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", "subject": "Say hello",
            "author": {"name": "A", "email": "a@shop.dev"}, "files": [{"path": file}], "filesTotal": 1,
        },
        "diff": {"inline": base64(diff.as_bytes()), "size": diff.len().to_string(), "complete": true},
    });
    let headers = [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", id.as_str()),
        ("ce_source", "/septet/devops"),
        ("ce_type", "septet.devops.v1.ChangePushed"),
    ];
    wire::produce(septet, CHANGES, &id, &headers, data.to_string().as_bytes()).await;
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn devops(servers: &Servers, workspace: &Workspace) {
    let septet = Deployment::alone_on(&workspace.path().join("devops"), servers, "devops").up().await;
    let mut repository = Repository::new(&workspace.path().join("repository"));
    repository.commit("README.md", "# Alone\n", "Begin");
    let mut client = DevopsServiceClient::new(septet.channel("devops"));
    let repository_id = register(&mut client, &repository).await;
    let release = eventually_in(Deadline::LONG, "the change has a release", async || {
        let request = ListReleasesRequest { repository_id: repository_id.clone(), ..Default::default() };
        client.clone().list_releases(request).await.ok()?.into_inner().releases.into_iter().next()
    })
    .await;
    assert_eq!(release.state(), ReleaseState::Pending);
    let waits = ["review", "docs", "cost"].map(|of| format!("{of}: has not answered yet"));
    assert_eq!(release.reasons, waits);
}

async fn pipeline(servers: &Servers, workspace: &Workspace) {
    let septet = Deployment::alone_on(&workspace.path().join("pipeline"), servers, "pipeline").up().await;
    let mut client = PipelineServiceClient::new(septet.channel("pipeline"));
    let request = SubmitRunRequest { definition: DEFINITION.to_owned(), ..Default::default() };
    let run = client.submit_run(request).await.expect("it is submitted").into_inner().run.expect("a run");
    eventually_in(Deadline::LONG, "the run succeeds", async || {
        let request = GetRunRequest { run_id: run.id.clone(), ..Default::default() };
        let reply = client.clone().get_run(request).await.ok()?.into_inner();
        (reply.run?.state() == RunState::Succeeded).then_some(())
    })
    .await;
}

async fn cx(servers: &Servers, workspace: &Workspace) {
    let septet = Deployment::alone_on(&workspace.path().join("cx"), servers, "cx").up().await;
    let mut client = CxServiceClient::new(septet.channel("cx"));
    let definition = Some(object(json!({"defaultValue": "on"})));
    let request = PutFeatureRequest { key: "alone".to_owned(), definition, ..Default::default() };
    client.put_feature(request).await.expect("the flag is put");
    let request = EvaluateRequest {
        attributes: Some(object(json!({"id": "u1"}))),
        feature_keys: vec!["alone".to_owned()],
        ..Default::default()
    };
    let evaluations = client.evaluate(request).await.expect("it is evaluated").into_inner().evaluations;
    assert_eq!(evaluations[0].source(), ValueSource::DefaultValue);
}

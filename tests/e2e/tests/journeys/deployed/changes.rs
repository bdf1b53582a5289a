//! The main job: a repository with a history is registered, and every commit is published, reviewed and has its journey.

use std::collections::{BTreeMap, BTreeSet};

use septet_e2e::{Channel, Planted, Repository};
use septet_proto_common::v1::{PageRequest, Verdict};
use septet_proto_devops::v1::{
    Change, GetJourneyRequest, ListChangesRequest, RegisterRepositoryRequest,
    devops_service_client::DevopsServiceClient, register_repository_request::Since,
};
use septet_proto_review::v1::{ListFindingsRequest, review_service_client::ReviewServiceClient};
use septet_testkit::{Deadline, eventually_in};
use serde_json::Value;

use super::{
    site::Site,
    wire::{self, CHANGES, REVIEWS},
};

in_each_topology!(each_commit_is_pushed_and_reviewed_once_and_has_its_journey);

async fn each_commit_is_pushed_and_reviewed_once_and_has_its_journey(site: &Site) {
    let septet = site.septet().await;
    let mut repository = Repository::new(&site.path("changes"));
    repository.fill(60);
    let mut planted = Vec::from(repository.plant());
    planted.push(plant_in_a_large_file(&mut repository));
    let commits: BTreeSet<String> =
        repository.git(&["rev-list", "--all"]).lines().map(str::to_owned).collect();

    let mut devops = DevopsServiceClient::new(septet.channel("devops"));
    let id = register(&mut devops, &repository).await;
    let changes = eventually_in(Deadline::LONG, "every commit is a change", async || {
        let changes = changes(&mut devops, &id).await;
        (changes.len() >= commits.len()).then_some(changes)
    })
    .await;
    let found: BTreeSet<String> = changes.iter().map(|change| change.commit.clone()).collect();
    assert_eq!((found, changes.len()), (commits.clone(), commits.len()), "each commit is one change");

    let mut failed = 0;
    for change in &changes {
        let steps = eventually_in(Deadline::LONG, format!("{} has its review", change.subject), async || {
            let request = GetJourneyRequest { change_id: change.id.clone() };
            let journey = devops.get_journey(request).await.expect("a journey").into_inner();
            let steps: Vec<_> = journey.steps.into_iter().filter(|step| step.service == "review").collect();
            (!steps.is_empty()).then_some(steps)
        })
        .await;
        let [step] = steps.as_slice() else { panic!("{}: {steps:#?}", change.subject) };
        assert_eq!(step.event_type, "septet.review.v1.ReviewCompleted");
        failed += usize::from(step.outcome() == Verdict::Failed);
    }
    assert_eq!(failed, planted.len(), "a commit with a secret fails the gate");

    for (topic, repository, commit) in [
        (CHANGES, "/data/change/repositoryId", "/data/change/commit"),
        (REVIEWS, "/data/review/repositoryId", "/data/review/commit"),
    ] {
        let events = wire::events_with(septet.channel("review"), topic, repository, &id).await;
        let mut times: BTreeMap<&str, u32> = BTreeMap::new();
        for event in &events {
            *times.entry(event.pointer(commit).and_then(Value::as_str).expect("a commit")).or_default() += 1;
        }
        assert!(times.values().all(|times| *times == 1), "{topic}: {times:#?}");
        assert_eq!(times.len(), commits.len(), "{topic}");
    }

    let mut review = ReviewServiceClient::new(septet.channel("review"));
    let request = ListFindingsRequest { repository_id: id, ..Default::default() };
    let listed = review.list_findings(request).await.expect("findings are listed").into_inner().findings;
    assert_eq!(listed.len(), planted.len(), "{listed:#?}");
    for secret in &planted {
        let found = listed.iter().filter_map(|listed| listed.finding.as_ref()).any(|finding| {
            finding.file == secret.file
                && finding.line == secret.line
                && finding.rule_id.contains(secret.rule)
                && !finding.excerpt.contains(&secret.secret)
        });
        assert!(found, "{}:{} {} is not in {listed:#?}", secret.file, secret.line, secret.rule);
    }
}

/// Its diff is too large to travel in an event: review asks devops for it, over gRPC where they are two processes.
pub fn plant_in_a_large_file(repository: &mut Repository) -> Planted {
    let secret = format!("{}{}", "AKIA", "T5LWZ7Q2MRCN4XHB");
    let lines: String = (1..4_000).map(|line| format!("a line of some length, number {line}\n")).collect();
    let content = format!("{lines}AWS_ACCESS_KEY_ID = \"{secret}\"\n");
    repository.commit("data/large.txt", &content, "Add a large file");
    Planted { file: "data/large.txt", line: 4_000, rule: "aws", secret }
}

/// Registers all of a repository's history; gives its id.
pub async fn register(devops: &mut DevopsServiceClient<Channel>, repository: &Repository) -> String {
    let request = RegisterRepositoryRequest {
        location: repository.path().to_str().expect("text").to_owned(),
        since: Some(Since::All(true)),
        ..Default::default()
    };
    let reply = devops.register_repository(request).await.expect("it is registered").into_inner();
    reply.repository.expect("the repository").id
}

async fn changes(devops: &mut DevopsServiceClient<Channel>, repository_id: &str) -> Vec<Change> {
    let page = Some(PageRequest { page_size: 1_000, ..Default::default() });
    let request = ListChangesRequest { repository_id: repository_id.to_owned(), page };
    devops.list_changes(request).await.expect("changes are listed").into_inner().changes
}

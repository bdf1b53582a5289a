//! Tests of releases.

use septet_proto_devops::v1::{Release, ReleaseDecided, ReleaseState, RepositorySettings};
use septet_proto_pipeline::v1::{ListRunsRequest, RunFinished, RunState};
use septet_testkit::{on_both_stores, service::Bed};
use serde_json::json;

use crate::bed::Running;

fn decided(change_id: &str, revision: u32, state: ReleaseState, run_tests: bool) -> ReleaseDecided {
    let release = Release {
        change_id: change_id.to_owned(),
        repository_id: "repository".to_owned(),
        repository_name: "shop".to_owned(),
        commit: "c0ffee".to_owned(),
        state: state.into(),
        revision,
        settings: Some(RepositorySettings { run_tests, ..RepositorySettings::default() }),
        ..Release::default()
    };
    ReleaseDecided { change_id: change_id.to_owned(), release: Some(release) }
}

async fn where_no_program_may_run_that_is_said_once_for_each_change(bed: Bed) {
    let running = Running::on(&bed).await;
    let eligible = ReleaseState::Eligible;
    running.push(&decided("quiet", 1, eligible, false), "/septet/devops", 1).await;
    running.push(&decided("blocked", 1, ReleaseState::Blocked, true), "/septet/devops", 1).await;
    running.push(&decided("one", 1, eligible, true), "/septet/devops", 2).await;
    running.push(&decided("one", 2, eligible, true), "/septet/devops", 1).await;
    running.push(&decided("two", 1, eligible, true), "/septet/devops", 1).await;
    let mut finished = running.published::<RunFinished>().await;
    finished.sort_by(|a, b| a.run.as_ref().unwrap().change_id.cmp(&b.run.as_ref().unwrap().change_id));
    assert_eq!(finished.len(), 2, "{finished:#?}");
    for (event, change_id) in finished.iter().zip(["one", "two"]) {
        let run = event.run.as_ref().unwrap();
        assert_eq!((run.change_id.as_str(), run.repository_name.as_str(), run.commit.as_str()), (change_id, "shop", "c0ffee"));
        assert_eq!(run.state(), RunState::Skipped);
        assert!(run.reason.contains("pipeline.process.enabled"), "{}", run.reason);
    }
}

async fn while_devops_is_away_the_tests_wait(bed: Bed) {
    let running = Running::with(&bed, &[("pipeline.process.enabled", json!(true))]).await;
    running.push(&decided("one", 1, ReleaseState::Eligible, true), "/septet/devops", 1).await;
    assert_eq!(running.published::<RunFinished>().await, []);
    let runs = running.client().list_runs(ListRunsRequest::default()).await.unwrap().into_inner().runs;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state(), RunState::Queued);
}

on_both_stores!(where_no_program_may_run_that_is_said_once_for_each_change, while_devops_is_away_the_tests_wait);

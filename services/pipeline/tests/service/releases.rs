//! Tests of releases.

use septet_proto_devops::v1::{Release, ReleaseDecided, ReleaseState, RepositorySettings};
use septet_proto_pipeline::v1::{ListRunsRequest, RunFinished, RunState};
use septet_testkit::{eventually, on_both_stores, service::Bed};
use serde_json::json;

use crate::{
    bed::{Running, has_ended},
    devops::{File, file, serve},
};

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
        assert_eq!(
            (run.change_id.as_str(), run.repository_name.as_str(), run.commit.as_str()),
            (change_id, "shop", "c0ffee")
        );
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

/// What became of the tests of a change with this tree and these commands.
async fn tests(bed: &Bed, files: Vec<File>, lines: &[&str]) -> (Running, septet_proto_pipeline::v1::Run) {
    let settings = [
        ("clients.urls", serve(files, lines).await),
        ("pipeline.process.enabled", json!(true)),
        ("pipeline.process.allow", json!(["sh"])),
        ("pipeline.process.isolation", json!("none")),
    ];
    let running = Running::with(bed, &settings).await;
    running.push(&decided("one", 1, ReleaseState::Eligible, true), "/septet/devops", 1).await;
    running.push(&decided("one", 2, ReleaseState::Eligible, true), "/septet/devops", 1).await;
    eventually("the tests have ended", async || {
        let runs = running.client().list_runs(ListRunsRequest::default()).await.unwrap().into_inner().runs;
        runs.first().is_some_and(|run| has_ended(run.state())).then_some(())
    })
    .await;
    let mut finished = running.published::<RunFinished>().await;
    assert_eq!(finished.len(), 1, "once for a change");
    let run = finished.remove(0).run.unwrap();
    assert_eq!(run.change_id, "one");
    (running, run)
}

async fn the_test_job_runs_in_the_tree_of_the_change(bed: Bed) {
    let script = "test -x ../tool && test \"$(cat ../link)\" = words && test \"$1\" = 'a b' && test \"$(cat copy)\" = words\n";
    let files = vec![
        file("web/check.sh", script),
        File { executable: true, ..file("tool", "#!/bin/sh\n") },
        File { link: true, ..file("link", "web/copy") },
        file("web/copy", "words"),
        file("words.txt", "words"),
    ];
    let (running, run) = tests(&bed, files, &["sh ./check.sh 'a b'", "sh -c true"]).await;
    let kept = running.run(&run.id).await;
    assert_eq!(run.state(), RunState::Succeeded, "{kept:#?}");
    assert_eq!(kept.steps.len(), 1, "the build job is not run");
}

async fn failing_tests_fail_the_run_with_what_they_said(bed: Bed) {
    let files = vec![file("web/check.sh", "echo two of three; exit 1\n")];
    let (running, run) = tests(&bed, files, &["sh ./check.sh"]).await;
    assert_eq!((run.state(), run.reason.as_str()), (RunState::Failed, "failed: test_1"));
    let kept = running.run(&run.id).await;
    assert!(kept.attempts[0].log.contains("two of three"), "{kept:#?}");
}

async fn a_command_that_may_not_run_here_leaves_all_of_them_out(bed: Bed) {
    let (_, run) = tests(&bed, vec![file("web/a", "a")], &["sh -c true", "make test"]).await;
    assert_eq!(run.state(), RunState::Skipped);
    assert!(run.reason.contains("`make` is not in `pipeline.process.allow`"), "{}", run.reason);
}

async fn a_tree_that_leads_out_of_its_directory_is_refused(bed: Bed) {
    let (_, run) = tests(&bed, vec![file("web/a", "a"), file("../../outside", "x")], &["sh -c true"]).await;
    assert_eq!(run.state(), RunState::Failed);
}

on_both_stores!(
    where_no_program_may_run_that_is_said_once_for_each_change,
    while_devops_is_away_the_tests_wait,
    the_test_job_runs_in_the_tree_of_the_change,
    failing_tests_fail_the_run_with_what_they_said,
    a_command_that_may_not_run_here_leaves_all_of_them_out,
    a_tree_that_leads_out_of_its_directory_is_refused,
);

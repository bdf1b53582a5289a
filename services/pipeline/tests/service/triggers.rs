//! Events that start runs and end waits.

use septet_proto_devops::v1::{Release, ReleaseDecided, ReleaseState};
use septet_proto_pipeline::v1::{
    DeletePipelineRequest, ListPipelinesRequest, ListRunsRequest, PutPipelineRequest, RunState,
};
use septet_testkit::{
    eventually, on_both_stores,
    service::{self, Bed},
};

use crate::bed::{Running, step};

fn decided(change_id: &str, state: ReleaseState) -> ReleaseDecided {
    let release = Release {
        change_id: change_id.to_owned(),
        repository_name: "shop".to_owned(),
        state: state.into(),
        ..Release::default()
    };
    ReleaseDecided { change_id: change_id.to_owned(), release: Some(release) }
}

async fn put(running: &Running, definition: &str) {
    let request = PutPipelineRequest { definition: definition.to_owned(), ..PutPipelineRequest::default() };
    running.client().put_pipeline(request).await.unwrap();
}

async fn runs_of(running: &Running, pipeline: &str) -> Vec<String> {
    let request = ListRunsRequest { pipeline: pipeline.to_owned(), ..ListRunsRequest::default() };
    let runs = running.client().list_runs(request).await.unwrap().into_inner().runs;
    runs.into_iter().map(|run| run.id).collect()
}

async fn an_event_starts_a_run_where_the_filter_holds_once(bed: Bed) {
    let running = Running::on(&bed).await;
    put(
        &running,
        "
name: deploy
inputs: { who: {} }
triggers:
  - event: septet.devops.v1.ReleaseDecided
    when: event.release.state == 'RELEASE_STATE_ELIGIBLE'
    inputs: { who: '${{ event.release.repositoryName }}' }
tasks:
  a: { transform: { input: '${{ inputs.who }} ${{ event.changeId }}', filter: . } }
",
    )
    .await;
    running.push(&decided("one", ReleaseState::Eligible), "/septet/devops", 3).await;
    running.push(&decided("two", ReleaseState::Blocked), "/septet/devops", 1).await;
    service::idle(&running.started).await;
    let [run] = &runs_of(&running, "deploy").await[..] else { panic!("one run") };
    let ended = running.ended(run).await;
    let text = step(&ended, "a").outputs.clone().unwrap().kind;
    assert_eq!(text, Some(prost_types::value::Kind::StringValue("shop one".to_owned())));
    let run = ended.run.unwrap();
    assert_eq!((run.event_type.as_str(), run.change_id.as_str()), ("septet.devops.v1.ReleaseDecided", "one"));

    let listed = running.client().list_pipelines(ListPipelinesRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.pipelines[0].event_types, ["septet.devops.v1.ReleaseDecided"]);
    let request = DeletePipelineRequest { name: "deploy".to_owned(), ..DeletePipelineRequest::default() };
    running.client().delete_pipeline(request).await.unwrap();
    running.push(&decided("three", ReleaseState::Eligible), "/septet/devops", 1).await;
    service::idle(&running.started).await;
    assert_eq!(runs_of(&running, "deploy").await.len(), 1);
}

async fn pipelines_that_trigger_each_other_come_to_an_end(bed: Bed) {
    let running = Running::on(&bed).await;
    for (name, other) in [("ping", "pong"), ("pong", "ping"), ("own", "own")] {
        put(
            &running,
            &format!(
                "
name: {name}
triggers: [{{ event: septet.pipeline.v1.RunFinished, when: event.run.name == '{other}' }}]
tasks:
  a: {{ transform: {{ filter: '1' }} }}
"
            ),
        )
        .await;
    }
    for name in ["ping", "own"] {
        let request =
            septet_proto_pipeline::v1::SubmitRunRequest { pipeline: name.to_owned(), ..Default::default() };
        running.client().submit_run(request).await.unwrap();
    }
    eventually("eight runs beside the first", async || {
        let all = runs_of(&running, "").await;
        (all.len() == 9).then_some(())
    })
    .await;
    let last = runs_of(&running, "").await.remove(0);
    running.ended(&last).await;
    service::idle(&running.started).await;
    assert_eq!(runs_of(&running, "own").await.len(), 1, "a pipeline's own run does not trigger it");
    assert_eq!(runs_of(&running, "").await.len(), 9);
}

async fn a_wait_ends_with_its_event(bed: Bed) {
    let running = Running::on(&bed).await;
    let run = running
        .submit(
            "
name: waits
tasks:
  wanted: { transform: { filter: '\"two\"' } }
  event:
    needs: [wanted]
    wait: { event: septet.devops.v1.ReleaseDecided, when: event.changeId == tasks.wanted.outputs }
    timeout: 1h
  gone: { wait: { event: septet.soc.v1.AlertRaised }, timeout: 400ms, allow_failure: true }
  after: { needs: [event], transform: { input: '${{ tasks.event.outputs.event.changeId }}', filter: . } }
",
        )
        .await;
    running.until(&run.id, "the wait", |reply| reply.steps[1].state() == RunState::Running).await;
    running.push(&decided("one", ReleaseState::Eligible), "/septet/devops", 1).await;
    service::idle(&running.started).await;
    assert_eq!(step(&running.run(&run.id).await, "event").state(), RunState::Running);
    running.push(&decided("two", ReleaseState::Eligible), "/septet/devops", 2).await;
    let ended = running.ended(&run.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Succeeded, "{ended:#?}");
    assert_eq!(step(&ended, "gone").state(), RunState::Failed);
    let text = step(&ended, "after").outputs.clone().unwrap().kind;
    assert_eq!(text, Some(prost_types::value::Kind::StringValue("two".to_owned())));
}

on_both_stores!(
    an_event_starts_a_run_where_the_filter_holds_once,
    pipelines_that_trigger_each_other_come_to_an_end,
    a_wait_ends_with_its_event,
);

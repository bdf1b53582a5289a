//! Runs from their first step to their last.

use septet_proto_pipeline::v1::{
    CancelRunRequest, EventEmitted, RunFinished, RunStarted, RunState, StepFinished,
};
use septet_testkit::{on_both_stores, service::Bed};

use crate::bed::{Running, Web, step};

async fn a_graph_runs_in_order_and_is_told_of(bed: Bed) {
    let (running, web) = (Running::on(&bed).await, Web::start().await);
    let run = running
        .submit(&format!(
            r#"
name: graph
tasks:
  told:
    needs: [count]
    publish: {{ event: items.counted, key: "${{{{ run.name }}}}", data: {{ count: "${{{{ tasks.count.outputs.n }}}}" }} }}
  fetch: {{ http: {{ url: "{}" }} }}
  count:
    needs: [fetch]
    transform: {{ input: "${{{{ tasks.fetch.outputs.body }}}}", filter: ".items | length" }}
    outputs: {{ n: "${{{{ result }}}}" }}
  never: {{ needs: [count], when: tasks.count.outputs.n > 3, wait: {{ for: 1h }} }}
"#,
            web.url("/ok")
        ))
        .await;
    assert_eq!(run.state(), RunState::Queued);
    let ended = running.ended(&run.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Succeeded, "{ended:#?}");
    assert_eq!(step(&ended, "never").state(), RunState::Skipped);
    let keys = web.keys("/ok");
    assert_eq!(keys, [format!("{}/fetch", run.id)]);

    assert_eq!(running.published::<RunStarted>().await.len(), 1);
    let finished = running.published::<StepFinished>().await;
    let names: Vec<_> = finished.iter().map(|event| event.step.as_ref().unwrap().name.as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().position(|n| *n == "fetch") < names.iter().position(|n| *n == "count"), "{names:?}");
    let ends = running.published::<RunFinished>().await;
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].run, ended.run);
    let [emitted] = &running.published::<EventEmitted>().await[..] else { panic!() };
    assert_eq!((emitted.key.as_str(), emitted.name.as_str()), ("graph", "items.counted"));
    let count = emitted.data.as_ref().unwrap().fields["count"].kind.clone();
    assert_eq!(count, Some(prost_types::value::Kind::NumberValue(3.0)));
}

async fn a_step_is_tried_again_with_the_same_key(bed: Bed) {
    let (running, web) = (Running::on(&bed).await, Web::start().await);
    let run = running
        .submit(&format!(
            "
name: again
tasks:
  patient:
    http: {{ url: '{}' }}
    retry: {{ attempts: 3, backoff: 50ms }}
  hasty: {{ needs: [patient], after: always, allow_failure: true, http: {{ url: '{}' }} }}
  moved: {{ needs: [hasty], http: {{ url: '{}', expect: [302] }} }}
",
            web.url("/fail/2"),
            web.url("/fail/9"),
            web.url("/elsewhere"),
        ))
        .await;
    let ended = running.ended(&run.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Succeeded, "{ended:#?}");
    assert_eq!(step(&ended, "patient").attempts, 3);
    let keys = web.keys("/fail/2");
    assert_eq!(keys.len(), 3);
    assert!(keys.windows(2).all(|two| two[0] == two[1]), "{keys:?}");
    let failed: Vec<_> = ended.attempts.iter().filter(|attempt| attempt.step == "patient").collect();
    assert_eq!(failed.len(), 3);
    assert!(failed[0].reason.contains("answered 503"), "{failed:#?}");
    assert_eq!(step(&ended, "hasty").state(), RunState::Failed);
}

async fn a_failure_leaves_out_what_needs_it_and_lets_the_rest_mend(bed: Bed) {
    let running = Running::on(&bed).await;
    let run = running
        .submit(
            "
name: mend
tasks:
  breaks: { transform: { input: 1, filter: .a } }
  after: { needs: [breaks], wait: { for: 1h } }
  mend: { needs: [after], after: failure, transform: { filter: '1' } }
  blind: { transform: { input: '${{ tasks.breaks.outputs }}', filter: . } }
",
        )
        .await;
    let ended = running.ended(&run.id).await;
    let run = ended.run.as_ref().unwrap();
    assert_eq!((run.state(), run.reason.as_str()), (RunState::Failed, "failed: breaks, blind"));
    assert_eq!(step(&ended, "after").reason, "`breaks` failed");
    assert_eq!(step(&ended, "mend").state(), RunState::Succeeded);
    assert!(
        step(&ended, "blind").reason.contains("no `breaks`"),
        "a task sees only what it needs: {ended:#?}"
    );
}

async fn a_run_that_waits_is_cancelled_and_one_that_takes_too_long_fails(bed: Bed) {
    let running = Running::on(&bed).await;
    let waits = running
        .submit("name: waits\ntasks:\n  a: { wait: { for: 1d } }\n  b: { needs: [a], wait: { for: 1d } }\n")
        .await;
    running.until(&waits.id, "a wait", |reply| reply.steps[0].state() == RunState::Running).await;
    let request = CancelRunRequest { run_id: waits.id.clone(), request_id: "once".to_owned() };
    running.client().cancel_run(request).await.unwrap();
    let ended = running.ended(&waits.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Cancelled);
    assert!(ended.steps.iter().all(|step| step.state() == RunState::Cancelled), "{ended:#?}");

    let late = running.submit("name: late\ntimeout: 300ms\ntasks:\n  a: { wait: { for: 1d } }\n").await;
    let ended = running.ended(&late.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Failed, "{ended:#?}");
    let short = running.submit("name: short\ntasks:\n  a: { wait: { for: 3s } }\n").await;
    let ended = running.ended(&short.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Succeeded, "{ended:#?}");
}

on_both_stores!(
    a_graph_runs_in_order_and_is_told_of,
    a_step_is_tried_again_with_the_same_key,
    a_failure_leaves_out_what_needs_it_and_lets_the_rest_mend,
    a_run_that_waits_is_cancelled_and_one_that_takes_too_long_fails,
);

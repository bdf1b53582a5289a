//! A process that ends in the middle of a step.

use septet_proto_pipeline::v1::{EventEmitted, RunFinished, RunStarted, RunState};
use septet_testkit::{eventually, on_both_stores, service::Bed};

use crate::bed::{Running, Web, step};

async fn a_run_goes_on_where_a_killed_process_left_it(bed: Bed) {
    let (running, web) = (Running::on(&bed).await, Web::start().await);
    let run = running
        .submit(&format!(
            "
name: durable
tasks:
  before: {{ publish: {{ event: before, data: {{}} }} }}
  held: {{ needs: [before], http: {{ url: '{}' }} }}
  behind: {{ needs: [held], publish: {{ event: behind, data: {{ held: '${{{{ tasks.held.outputs.body.held }}}}' }} }} }}
",
            web.url("/hold")
        ))
        .await;
    eventually("the step is under way", async || (web.keys("/hold").len() == 1).then_some(())).await;
    // Everything that ran in the process is gone at once, as after a kill.
    drop(running);
    let running = Running::on(&bed).await;
    eventually("the step is begun again", async || (web.keys("/hold").len() == 2).then_some(())).await;
    web.let_go.add_permits(10);

    let ended = running.ended(&run.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Succeeded, "{ended:#?}");
    let keys = web.keys("/hold");
    assert_eq!(keys[0], keys[1], "whoever got the first can tell");
    let of_held: Vec<_> = ended.attempts.iter().filter(|attempt| attempt.step == "held").collect();
    assert_eq!(of_held.len(), 2, "{of_held:#?}");
    assert_eq!((of_held[0].reason.as_str(), of_held[1].state()), ("interrupted", RunState::Succeeded));
    assert_eq!(step(&ended, "before").attempts, 1, "what had ended is not done again");

    let mut emitted: Vec<_> =
        running.published::<EventEmitted>().await.into_iter().map(|event| event.name).collect();
    emitted.sort();
    assert_eq!(emitted, ["before", "behind"], "each once");
    assert_eq!(running.published::<RunStarted>().await.len(), 1);
    assert_eq!(running.published::<RunFinished>().await.len(), 1);
}

async fn a_drained_process_lets_go_of_its_runs_at_once(bed: Bed) {
    let (running, web) =
        (Running::with(&bed, &[("pipeline.lease_ms", 3_600_000.into())]).await, Web::start().await);
    let definition = format!("name: p\ntasks:\n  held: {{ http: {{ url: '{}' }} }}\n", web.url("/hold"));
    let run = running.submit(&definition).await;
    eventually("the step is under way", async || (web.keys("/hold").len() == 1).then_some(())).await;
    running.started.drain().await.unwrap();
    web.let_go.add_permits(10);
    let running = Running::on(&bed).await;
    let ended = running.ended(&run.id).await;
    assert_eq!(ended.run.as_ref().unwrap().state(), RunState::Succeeded, "{ended:#?}");
}

on_both_stores!(a_run_goes_on_where_a_killed_process_left_it, a_drained_process_lets_go_of_its_runs_at_once,);

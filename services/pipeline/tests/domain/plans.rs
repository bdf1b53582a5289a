//! What is next, and how a run ends.

use septet_pipeline::{
    definition::Pipeline,
    plan::{Next, next, outcome},
};
use septet_proto_pipeline::v1::RunState::{self, Failed, Queued, Running, Skipped, Succeeded};

fn pipeline() -> Pipeline {
    Pipeline::parse(
        "
name: p
tasks:
  a: { wait: { for: 1s } }
  b: { needs: [a], wait: { for: 1s } }
  mend: { needs: [a], after: failure, wait: { for: 1s } }
  tidy: { needs: [b, mend], after: always, wait: { for: 1s } }
",
    )
    .unwrap()
}

#[test]
fn a_task_begins_when_all_before_it_have_ended() {
    let pipeline = pipeline();
    let of = |states: [RunState; 4]| next(&pipeline, &states);
    assert_eq!(of([Queued; 4]), [Next::Begin(0)]);
    assert_eq!(of([Running, Queued, Queued, Queued]), []);
    let left = |place, reason: &str| Next::LeaveOut(place, reason.to_owned());
    assert_eq!(
        of([Succeeded, Queued, Queued, Queued]),
        [Next::Begin(1), left(2, "nothing before it failed")]
    );
    assert_eq!(of([Failed, Queued, Queued, Queued]), [left(1, "`a` failed"), Next::Begin(2)]);
    // A task that was left out by its own `when` fails nothing.
    assert_eq!(of([Skipped, Queued, Skipped, Queued]), [Next::Begin(1)]);
    assert_eq!(of([Failed, Skipped, Succeeded, Queued]), [Next::Begin(3)]);
}

#[test]
fn a_run_fails_with_a_task_that_may_not_fail() {
    let mut pipeline = pipeline();
    assert_eq!(outcome(&pipeline, &[Succeeded, Succeeded, Skipped, Running]), None);
    let (state, reason) = outcome(&pipeline, &[Failed, Skipped, Succeeded, Succeeded]).unwrap();
    assert_eq!((state, reason.as_str()), (Failed, "failed: a"));
    assert_eq!(outcome(&pipeline, &[Succeeded, Succeeded, Skipped, Succeeded]).unwrap().0, Succeeded);
    assert_eq!(outcome(&pipeline, &[Skipped; 4]).unwrap().0, Skipped);
    pipeline.tasks[0].allow_failure = true;
    assert_eq!(outcome(&pipeline, &[Failed, Succeeded, Skipped, Succeeded]).unwrap().0, Succeeded);
}

//! What the other services publish.

use septet_chassis::{
    contract::{Cause, Envelope, Event, Timestamp, cloudevents},
    messaging::log::Append,
};
use septet_proto_common::v1::{Severity, Verdict};
use septet_proto_cost::v1::{CostEstimated, Estimate};
use septet_proto_docs::v1::{DocsCheck, DocsChecked};
use septet_proto_pipeline::v1::{Run, RunFinished, RunState};
use septet_proto_review::v1::{Review, ReviewCompleted};
use septet_proto_soc::v1::{Alert, AlertClosed, AlertRaised, Assessment, ChangeAssessed};

use crate::bed::Running;

/// The time at which everything happens, so many seconds on.
fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: 1_700_000_000 + seconds, nanos: 0 })
}

fn verdict(passed: bool) -> i32 {
    if passed { Verdict::Passed } else { Verdict::Failed }.into()
}

pub async fn publish<E: Event>(running: &Running, event: &E, cause: &Cause) -> String {
    let source = format!("/septet/{}", E::contract().service);
    let envelope = Envelope::of_event(event, &source, Timestamp::now(), cause);
    let append = Append { topic: E::TOPIC.to_owned(), record: cloudevents::to_record(&envelope) };
    running.started.log().append(vec![append]).await.pop().unwrap().unwrap();
    envelope.id
}

pub fn reviewed(change_id: &str, passed: bool, reason: &str) -> ReviewCompleted {
    let review =
        Review { verdict: verdict(passed), reason: reason.to_owned(), time: at(0), ..Default::default() };
    ReviewCompleted { change_id: change_id.to_owned(), review: Some(review), ..Default::default() }
}

pub fn documented(change_id: &str, passed: bool, reason: &str) -> DocsChecked {
    let check =
        DocsCheck { verdict: verdict(passed), reason: reason.to_owned(), time: at(1), ..Default::default() };
    DocsChecked { change_id: change_id.to_owned(), check: Some(check) }
}

pub fn priced(change_id: &str, passed: bool, reason: &str) -> CostEstimated {
    let estimate =
        Estimate { verdict: verdict(passed), reason: reason.to_owned(), time: at(2), ..Default::default() };
    CostEstimated { change_id: change_id.to_owned(), estimate: Some(estimate) }
}

pub fn assessed(change_id: &str, passed: bool, reason: &str) -> ChangeAssessed {
    let assessment =
        Assessment { verdict: verdict(passed), reason: reason.to_owned(), time: at(3), ..Default::default() };
    ChangeAssessed { change_id: change_id.to_owned(), assessment: Some(assessment) }
}

pub fn ran(change_id: &str, state: RunState, reason: &str, seconds: i64) -> RunFinished {
    let run = Run {
        id: "run".to_owned(),
        state: state.into(),
        reason: reason.to_owned(),
        change_id: change_id.to_owned(),
        finished_time: at(seconds),
        ..Default::default()
    };
    RunFinished { run_id: "run".to_owned(), run: Some(run) }
}

fn alert(id: &str, repository_id: &str, change_id: &str) -> Option<Alert> {
    Some(Alert {
        id: id.to_owned(),
        title: format!("Alert {id}"),
        level: Severity::Critical.into(),
        repository_id: repository_id.to_owned(),
        change_id: change_id.to_owned(),
        time: at(4),
        ..Default::default()
    })
}

pub fn raised(id: &str, repository_id: &str, change_id: &str) -> AlertRaised {
    AlertRaised { alert_id: id.to_owned(), alert: alert(id, repository_id, change_id) }
}

pub fn closed(id: &str, repository_id: &str, change_id: &str) -> AlertClosed {
    AlertClosed { alert_id: id.to_owned(), alert: alert(id, repository_id, change_id) }
}

/// The three that a release waits for have nothing against it.
pub async fn all_pass(running: &Running, change_id: &str) {
    let cause = Cause::default();
    publish(running, &reviewed(change_id, true, "no findings"), &cause).await;
    publish(running, &documented(change_id, true, "no public API"), &cause).await;
    publish(running, &priced(change_id, true, "nothing to pay for"), &cause).await;
}

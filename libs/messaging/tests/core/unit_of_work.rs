//! One transaction for state, events and jobs: all of it happens, or nothing.

use std::time::Duration;

use septet_contract::{Cause, Job};
use septet_messaging::{CxError, Settings};
use septet_proto_devops::v1::ImportCommits;
use septet_proto_review::v1::{Review, ReviewCompleted};
use septet_store::StoreConfig;

use crate::{
    fixture::{Fixture, envelope, on_each_engine, record, settings},
    service::{Act, completed, effect},
};

on_each_engine! {
    nothing_leaves_without_a_commit
    state_events_and_jobs_leave_together
    what_follows_from_an_event_names_it
    an_event_carries_its_key
    an_event_that_is_too_large_is_refused
    old_deliveries_are_forgotten_and_new_ones_kept
}

async fn nothing_leaves_without_a_commit(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    effect(&mut cx, "undone").await.expect("written");
    cx.publish(&completed("undone")).expect("drafted");
    cx.enqueue(&ImportCommits { repository_id: "undone".to_owned() }).expect("drafted");
    drop(cx);
    assert_eq!(of.units.pending().await.expect("counted").rows, 0);
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert!(of.effects().await.is_empty());
    assert!(of.published().await.is_empty());
    // Nor is anything written by a unit of work that has nothing in it.
    of.units.begin(Cause::default()).commit().await.expect("nothing to do");
}

async fn state_events_and_jobs_leave_together(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    effect(&mut cx, "state").await.expect("written");
    cx.publish(&completed("event")).expect("drafted");
    cx.enqueue(&ImportCommits { repository_id: "job".to_owned() }).expect("drafted");
    cx.commit().await.expect("committed");
    let pending = of.units.pending().await.expect("counted");
    assert_eq!(pending.rows, 2);
    assert!(pending.oldest.is_some());
    let running = of.start();
    of.effects_of(2).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["state", "job"]);
    assert_eq!(of.published().await, ["event", "job"], "the job has published as well");
    assert_eq!(of.queue.depth(ImportCommits::QUEUE).await.expect("depth").ready, 0);
}

async fn what_follows_from_an_event_names_it(of: Fixture) {
    let cause = record("a");
    let (id, correlation) =
        (crate::fixture::header(&cause, "ce_id"), crate::fixture::header(&cause, "ce_correlationid"));
    of.append(<septet_proto_devops::v1::ChangePushed as septet_contract::Event>::TOPIC, [cause]).await;
    let running = of.start();
    of.effects_of(1).await;
    of.idle().await;
    running.drain().await;
    let published = of.records(<ReviewCompleted as septet_contract::Event>::TOPIC).await;
    let envelope = envelope(&published[0]);
    assert_eq!(envelope.causation_id, Some(id));
    assert_eq!(envelope.correlation_id, Some(correlation));
    assert_eq!(envelope.source, "/septet/review");
}

async fn an_event_carries_its_key(of: Fixture) {
    for _ in 0..20 {
        let mut cx = of.units.begin(Cause::default());
        cx.publish(&completed("key")).expect("drafted");
        cx.commit().await.expect("committed");
    }
    let running = of.start();
    of.idle().await;
    running.drain().await;
    let topic = <ReviewCompleted as septet_contract::Event>::TOPIC;
    for record in of.records(topic).await {
        assert_eq!(record.key.as_deref(), Some(&b"key"[..]));
    }
    let states = of.log.topics().await.expect("topics");
    let state = states.into_iter().find(|state| state.name == topic).expect("the topic");
    let kept: Vec<_> = state.partitions.iter().map(|kept| kept.end - kept.start).filter(|n| *n > 0).collect();
    assert_eq!(kept, [20], "one key, one partition");
}

async fn an_event_that_is_too_large_is_refused(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    let review = Review { reason: "x".repeat(of.units.settings().max_message_bytes), ..Review::default() };
    let error =
        cx.publish(&ReviewCompleted { review: Some(review), ..completed("large") }).expect_err("too large");
    assert!(matches!(error, CxError::TooLarge { .. }), "{error}");
    assert!(!error.is_transient());
    assert!(error.to_string().contains("septet.review.v1.ReviewCompleted"), "{error}");
    cx.publish(&completed("small")).expect("the unit of work goes on");
    cx.commit().await.expect("committed");
    assert_eq!(of.units.pending().await.expect("counted").rows, 1);
}

async fn old_deliveries_are_forgotten_and_new_ones_kept(of: Fixture) {
    let running = of.start();
    let records: Vec<_> = (0..3).map(|number| record(&number.to_string())).collect();
    let topic = <septet_proto_devops::v1::ChangePushed as septet_contract::Event>::TOPIC;
    of.append(topic, records.clone()).await;
    of.effects_of(3).await;
    assert_eq!(of.units.forget_old().await.expect("forgotten"), 0, "they are young");
    of.append(topic, records).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await.len(), 3);
    let of_none = Settings { inbox_days: 0, ..settings() };
    let units = septet_messaging::Units::new(of.store.clone(), "review", of_none);
    assert_eq!(units.forget_old().await.expect("forgotten"), 3);
}

#[tokio::test]
async fn too_much_in_the_outbox_refuses_writes_until_it_is_sent() {
    let few = Settings { outbox_limit: 3, ..settings() };
    let of = Fixture::with(StoreConfig::default(), "unit_of_work::overload", few).await;
    for number in 0..3 {
        let mut cx = of.units.begin(Cause::default());
        cx.publish(&completed(&number.to_string())).expect("drafted");
        cx.commit().await.expect("below the limit");
    }
    let mut cx = of.units.begin(Cause::default());
    let error = cx.publish(&completed("more")).expect_err("too much waits");
    assert!(matches!(error, CxError::Overloaded { pending: 3, limit: 3 }), "{error}");
    assert!(error.is_transient());
    // What tells nobody goes on.
    effect(&mut cx, "state").await.expect("written");
    cx.commit().await.expect("committed");
    // An event waits instead of being given up.
    let topic = <septet_proto_devops::v1::ChangePushed as septet_contract::Event>::TOPIC;
    of.service.script("a", [Act::Retry]);
    of.append(topic, [record("a")]).await;
    let running = of.start();
    assert_eq!(of.effects_of(2).await, ["state", "a"]);
    of.idle().await;
    running.drain().await;
    assert_eq!(of.published().await, ["0", "1", "2", "a"]);
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let of = Fixture::sqlite("unit_of_work::delay").await;
    let delay = Duration::from_millis(400);
    let began = std::time::Instant::now();
    let mut cx = of.units.begin(Cause::default());
    cx.enqueue_after(&ImportCommits { repository_id: "later".to_owned() }, delay).expect("drafted");
    cx.enqueue(&ImportCommits { repository_id: "now".to_owned() }).expect("drafted");
    cx.commit().await.expect("committed");
    let running = of.start();
    assert_eq!(of.effects_of(2).await, ["now", "later"]);
    assert!(began.elapsed() >= delay, "{:?}", began.elapsed());
    running.drain().await;
}

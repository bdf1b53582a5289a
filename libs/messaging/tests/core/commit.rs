//! A commit that the database refuses undoes everything that was to happen with it.

use septet_contract::{Cause, Event, Job};
use septet_messaging::{CxError, RequestKey};
use septet_proto_devops::v1::{ChangePushed, ImportCommits};
use septet_proto_review::v1::{ReviewDiffRequest, ReviewDiffResponse};
use septet_store::StoreError;

use crate::{
    fixture::{Fixture, job, on_each_engine, pushed, record_of},
    service::{Act, completed, effect, refuse},
};

on_each_engine! {
    nothing_leaves_with_it
    no_reply_is_kept
    an_event_is_tried_again
    an_event_is_given_up_in_the_end
    a_job_is_given_up_in_the_end
}

async fn nothing_leaves_with_it(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    effect(&mut cx, "undone").await.expect("written");
    refuse(&mut cx).await.expect("not yet");
    cx.publish(&completed("undone")).expect("drafted");
    cx.enqueue(&ImportCommits { repository_id: "undone".to_owned() }).expect("drafted");
    let error = cx.commit().await.expect_err("refused");
    assert!(matches!(error, CxError::Store(StoreError::Statement(_))), "{error}");
    assert_eq!(of.units.pending().await.expect("counted").rows, 0);
    assert!(of.effects().await.is_empty());
}

async fn no_reply_is_kept(of: Fixture) {
    let request = ReviewDiffRequest { request_id: "1".to_owned(), ..Default::default() };
    let key = RequestKey::new("/septet.review.v1.ReviewService/ReviewDiff", "ann", "1", &request);
    let mut cx = of.units.begin(Cause::default());
    refuse(&mut cx).await.expect("not yet");
    cx.commit_reply(key.as_ref(), &ReviewDiffResponse::default()).await.expect_err("refused");
    let mut cx = of.units.begin(Cause::default());
    let reply: Option<ReviewDiffResponse> = cx.earlier_reply(key.as_ref()).await.expect("asked");
    assert_eq!(reply, None, "a retry does it");
}

async fn an_event_is_tried_again(of: Fixture) {
    // In the batch, and in the first attempt alone.
    of.service.script("b", [Act::CommitFails; 2]);
    of.append(ChangePushed::TOPIC, ["a", "b", "c"].map(|name| record_of(&pushed("key", name)))).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "c"]);
    assert_eq!(of.published().await, ["a", "b", "c"]);
    assert!(of.open_letters(0).await.is_empty());
}

async fn an_event_is_given_up_in_the_end(of: Fixture) {
    of.service.script("b", [Act::CommitFails; 10]);
    of.append(ChangePushed::TOPIC, ["a", "b", "c"].map(|name| record_of(&pushed("key", name)))).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "c"]);
    assert_eq!(of.published().await, ["a", "c"]);
    let letters = of.open_letters(1).await;
    assert_eq!((letters[0].reason.as_str(), letters[0].attempts), ("retries_exhausted", 3));
}

async fn a_job_is_given_up_in_the_end(of: Fixture) {
    of.service.script("a", [Act::CommitFails; ImportCommits::MAX_ATTEMPTS as usize]);
    of.send(job("a")).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert!(of.effects().await.is_empty());
    let letters = of.open_letters(1).await;
    assert_eq!(letters[0].reason, "retries_exhausted");
    assert_eq!(letters[0].attempts, ImportCommits::MAX_ATTEMPTS);
}

//! A mutation with a request id can be retried: the same id gets the same reply.

use std::sync::Arc;

use septet_contract::Cause;
use septet_messaging::{CxError, RequestKey, Units};
use septet_proto_review::v1::{Review, ReviewDiffRequest, ReviewDiffResponse};
use septet_store::StoreError;
use tokio::sync::Barrier;

use crate::{
    fixture::{Fixture, on_each_engine},
    service::{completed, effect},
};

on_each_engine! {
    the_same_id_gets_the_same_reply
    an_id_is_not_used_for_two_requests
    one_of_two_concurrent_calls_does_it
}

fn key(caller: &str, id: &str, diff: &str) -> Option<RequestKey> {
    let request =
        ReviewDiffRequest { request_id: id.to_owned(), diff: diff.to_owned().into(), ..Default::default() };
    RequestKey::new("/septet.review.v1.ReviewService/ReviewDiff", caller, id, &request)
}

/// What an RPC does: answer as before, or do it, tell of it, and keep the reply.
async fn call(
    units: &Units,
    key: Option<RequestKey>,
    id: &str,
    looked: Option<Arc<Barrier>>,
) -> Result<ReviewDiffResponse, CxError> {
    let mut cx = units.begin(Cause::default());
    if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
        return Ok(reply);
    }
    if let Some(looked) = looked {
        looked.wait().await;
    }
    effect(&mut cx, id).await.expect("written");
    cx.publish(&completed(id))?;
    let reply = ReviewDiffResponse {
        review: Some(Review { id: id.to_owned(), ..Review::default() }),
        ..Default::default()
    };
    cx.commit_reply(key.as_ref(), &reply).await?;
    Ok(reply)
}

async fn the_same_id_gets_the_same_reply(of: Fixture) {
    let first = call(&of.units, key("ann", "1", "d"), "first", None).await.expect("done");
    let second = call(&of.units, key("ann", "1", "d"), "second", None).await.expect("answered");
    assert_eq!(first, second);
    assert_eq!(of.effects().await, ["first"]);
    assert_eq!(of.units.pending().await.expect("counted").rows, 1);
    // Callers do not get each other's replies.
    let other = call(&of.units, key("bob", "1", "d"), "other", None).await.expect("done");
    assert_eq!(other.review.map(|review| review.id), Some("other".to_owned()));
    // Without an id each call is a new one.
    assert!(key("ann", "", "d").is_none());
    for _ in 0..2 {
        call(&of.units, None, "plain", None).await.expect("done");
    }
    assert_eq!(of.effects().await, ["first", "other", "plain", "plain"]);
}

async fn an_id_is_not_used_for_two_requests(of: Fixture) {
    call(&of.units, key("ann", "1", "one diff"), "first", None).await.expect("done");
    let error = call(&of.units, key("ann", "1", "another diff"), "second", None).await.expect_err("reused");
    assert!(matches!(&error, CxError::RequestIdReused(id) if id == "1"), "{error}");
    assert!(!error.is_transient());
    assert_eq!(of.effects().await, ["first"]);
}

async fn one_of_two_concurrent_calls_does_it(of: Fixture) {
    // SQLite lets one writer in at a time, so there the second one looks after the first has committed.
    let looked = of.store.is_shared().then(|| Arc::new(Barrier::new(2)));
    let calls = ["one", "other"].map(|id| {
        let (units, looked) = (of.units.clone(), looked.clone());
        tokio::spawn(async move { call(&units, key("ann", "1", "d"), id, looked).await })
    });
    let mut replies = Vec::new();
    for result in calls {
        match result.await.expect("no panic") {
            Ok(reply) => replies.push(reply),
            Err(error) => {
                assert!(matches!(error, CxError::Store(StoreError::Duplicate { .. })), "{error}");
                replies.push(call(&of.units, key("ann", "1", "d"), "again", None).await.expect("answered"));
            }
        }
    }
    assert_eq!(replies[0], replies[1], "both have the same reply");
    assert_eq!(of.effects().await.len(), 1);
    assert_eq!(of.units.pending().await.expect("counted").rows, 1);
}

//! Journeys as they grow.

use septet_chassis::contract::Cause;
use septet_proto_devops::v1::{ReleaseState, WatchJourneyRequest, WatchJourneyResponse};
use septet_testkit::{Deadline, on_both_stores, service::Bed, within};
use tonic::{Code, Streaming};

use crate::{
    bed::{Running, repository_of, start, start_with},
    release::{comes_to, imported},
    told::{all_pass, publish, reviewed},
};

async fn follow(running: &Running, change_id: &str) -> Streaming<WatchJourneyResponse> {
    let request = WatchJourneyRequest { change_id: change_id.to_owned() };
    running.client().watch_journey(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchJourneyResponse>) -> (String, usize) {
    let reply = within(Deadline::SHORT, "a journey", stream.message()).await.unwrap().unwrap();
    (reply.change.unwrap().id, reply.steps.len())
}

/// Reads on until a journey has so many steps. It may grow by several between two answers, and an answer may come again, also
/// after those of another journey that moved later; those of one that has not moved never come.
async fn until(stream: &mut Streaming<WatchJourneyResponse>, id: &str, steps: usize, still: &[&String]) {
    loop {
        let (of, now) = next(stream).await;
        assert!(!still.contains(&&of), "{of} has not moved");
        if of == id && now >= steps {
            return;
        }
    }
}

async fn one_journey_is_followed(bed: Bed) {
    let running = start(&bed).await;
    let (_, changes) = imported(&running, &repository_of(2)).await;
    let mut stream = follow(&running, &changes[0]).await;
    assert_eq!(next(&mut stream).await, (changes[0].clone(), 0));
    all_pass(&running, &changes[1]).await;
    all_pass(&running, &changes[0]).await;
    until(&mut stream, &changes[0], 4, &[&changes[1]]).await;
    let unknown = WatchJourneyRequest { change_id: "0193".to_owned() };
    let unknown = running.client().watch_journey(unknown).await.unwrap_err();
    assert_eq!((unknown.code(), &unknown.message()[..11]), (Code::NotFound, "DEVOPS-0007"));
}

async fn all_journeys_are_followed_from_now_on(bed: Bed) {
    let running = start(&bed).await;
    let (_, changes) = imported(&running, &repository_of(3)).await;
    publish(&running, &reviewed(&changes[2], false, "before"), &Cause::default()).await;
    comes_to(&running, &changes[2], ReleaseState::Blocked).await;
    let mut stream = follow(&running, "").await;
    all_pass(&running, &changes[0]).await;
    until(&mut stream, &changes[0], 4, &[&changes[1], &changes[2]]).await;
    all_pass(&running, &changes[1]).await;
    until(&mut stream, &changes[1], 4, &[&changes[2]]).await;
    // A stream that is dropped gives its place back, and the next one begins anew.
    drop(stream);
    let mut stream = follow(&running, "").await;
    publish(&running, &reviewed(&changes[2], false, "again"), &Cause::default()).await;
    until(&mut stream, &changes[2], 3, &[]).await;
}

async fn journeys_count_among_the_streams(bed: Bed) {
    let running = start_with(&bed, "devops.watch_streams", 1).await;
    let _first = follow(&running, "").await;
    let refused = running.client().watch_journey(WatchJourneyRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

on_both_stores!(
    one_journey_is_followed,
    all_journeys_are_followed_from_now_on,
    journeys_count_among_the_streams
);

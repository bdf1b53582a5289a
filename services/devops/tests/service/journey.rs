//! What other services publish about a change.

use septet_chassis::{
    contract::{Cause, Envelope, Event as _, Timestamp, cloudevents},
    messaging::log::Append,
};
use septet_proto_common::v1::Verdict;
use septet_proto_devops::v1::{GetJourneyRequest, GetJourneyResponse};
use septet_proto_review::v1::{Review, ReviewCompleted};
use tonic::Code;

use septet_testkit::{on_both_stores, service::Bed};

use crate::bed::{Running, repository_of, start};

async fn publish(running: &Running, change_id: &str, verdict: i32, reason: &str, times: usize) -> String {
    let event = ReviewCompleted {
        change_id: change_id.to_owned(),
        review: Some(Review {
            verdict,
            reason: reason.to_owned(),
            time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5_000 }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let envelope = Envelope::of_event(&event, "/septet/review", Timestamp::now(), &Cause::default());
    for _ in 0..times {
        let record = cloudevents::to_record(&envelope);
        let append = Append { topic: ReviewCompleted::TOPIC.to_owned(), record };
        running.started.log().append(vec![append]).await.pop().unwrap().unwrap();
    }
    envelope.id
}

async fn journey(running: &Running, change_id: &str) -> Result<GetJourneyResponse, tonic::Status> {
    let request = GetJourneyRequest { change_id: change_id.to_owned() };
    Ok(running.client().get_journey(request).await?.into_inner())
}

async fn each_reaction_is_a_step(bed: Bed) {
    let repo = repository_of(2);
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let change = running.list("").await.remove(0);
    let none = journey(&running, &change.id).await.unwrap();
    assert_eq!((none.change.unwrap().commit, none.steps.len()), (change.commit.clone(), 0));

    let failed = Verdict::Failed as i32;
    let first = publish(&running, &change.id, failed, "two\nfindings", 3).await;
    running.idle().await;
    let second = publish(&running, &change.id, 99, &"long ".repeat(1_000), 1).await;
    publish(&running, "0193-of-no-change-here", failed, "elsewhere", 1).await;
    running.idle().await;

    // devops has steps of its own: what it decides.
    let mut steps = journey(&running, &change.id).await.unwrap().steps;
    steps.retain(|step| step.service == "review");
    let ids: Vec<_> = steps.iter().map(|step| step.event_id.clone()).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!((steps[0].service.as_str(), steps[0].outcome()), ("review", Verdict::Failed));
    assert_eq!(steps[0].event_type, "septet.review.v1.ReviewCompleted");
    assert_eq!(steps[0].summary, "two findings");
    assert_eq!(steps[0].time, Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5_000 }));
    assert_eq!((steps[1].outcome(), steps[1].summary.len()), (Verdict::Unspecified, 300));
    let unknown = journey(&running, "0193").await.unwrap_err();
    assert_eq!((unknown.code(), &unknown.message()[..11]), (Code::NotFound, "DEVOPS-0007"));
}

on_both_stores!(each_reaction_is_a_step);

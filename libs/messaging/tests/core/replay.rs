//! Kept events are handled again when an operator asks for it.

use septet_contract::{Event, Message, Timestamp};
use septet_messaging::{Replay, ReplayError};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::{DiffSubmitted, ReviewCompleted};

use crate::{
    fixture::{Fixture, catalog, on_each_engine, record, record_of},
    service::Act,
};

on_each_engine! {
    kept_events_are_handled_again_and_each_once
    what_cannot_be_replayed_is_refused_before_anything_is_done
}

fn replay(of: &Fixture) -> Replay {
    Replay::new(of.units.clone(), of.log.clone(), catalog(), of.handlers())
}

async fn kept_events_are_handled_again_and_each_once(of: Fixture) {
    let records: Vec<_> = (0..30).map(|number| record(&number.to_string())).collect();
    of.append(ChangePushed::TOPIC, records.clone()).await;
    // A duplicate, and a record that nobody can read.
    of.append(ChangePushed::TOPIC, [records[3].clone()]).await;
    of.append(ChangePushed::TOPIC, [septet_contract::Record { value: None, ..record("x") }]).await;
    let running = of.start();
    of.effects_of(30).await;
    of.idle().await;
    running.drain().await;

    of.service.script("5", [Act::Reject]);
    let replayed = replay(&of)
        .run(ChangePushed::TOPIC, Timestamp::default(), Some(ChangePushed::TYPE), |_| {})
        .await
        .expect("replayed");
    assert_eq!((replayed.handled, replayed.skipped, replayed.failed), (29, 2, 1));
    assert!(replayed.consumer.starts_with("review.replay."), "{}", replayed.consumer);
    let mut effects = of.effects().await;
    effects.sort();
    let mut expected: Vec<_> = (0..30).map(|number: u32| number.to_string()).collect();
    expected.extend((0..30).filter(|number| *number != 5).map(|number: u32| number.to_string()));
    expected.sort();
    assert_eq!(effects, expected);

    // From a later moment there is nothing, and it does not wait for what comes.
    let again = replay(&of).run(ChangePushed::TOPIC, Timestamp::now(), None, |_| {}).await.expect("replayed");
    assert_eq!((again.handled, again.skipped, again.failed), (0, 0, 0));
}

async fn what_cannot_be_replayed_is_refused_before_anything_is_done(of: Fixture) {
    let diff = DiffSubmitted { repository: "r".to_owned(), commit: "c".to_owned(), ..Default::default() };
    of.append(DiffSubmitted::TOPIC, [record_of(&diff)]).await;
    let start = Timestamp::default();
    let refused =
        replay(&of).run(DiffSubmitted::TOPIC, start, None, |_| {}).await.expect_err("effects outside");
    assert!(matches!(refused, ReplayError::NotReplayable(_)), "{refused}");
    let refused = replay(&of).run(ReviewCompleted::TOPIC, start, None, |_| {}).await.expect_err("no handler");
    assert!(matches!(refused, ReplayError::NoHandler(_)), "{refused}");
    let refused = replay(&of)
        .run(ChangePushed::TOPIC, start, Some(DiffSubmitted::TYPE), |_| {})
        .await
        .expect_err("elsewhere");
    assert!(matches!(refused, ReplayError::NoHandler(_)), "{refused}");
    assert!(of.service.attempts().is_empty());
}

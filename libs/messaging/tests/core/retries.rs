//! What becomes of an event whose handler does not take it.

use septet_contract::{Event, Message};
use septet_messaging::dead_letter_topic;
use septet_proto_devops::v1::ChangePushed;

use crate::{
    fixture::{Fixture, header, on_each_engine, pushed, record_of},
    service::Act,
};

on_each_engine! {
    a_retry_succeeds_and_keeps_the_order
    a_service_that_is_away_is_waited_for
    retries_end_in_a_dead_letter_that_tells_all
    a_rejected_event_leaves_its_neighbours_alone
    a_panic_is_one_failed_attempt
    a_handler_that_hangs_is_stopped
    an_event_too_large_to_publish_is_rejected_at_once
}

/// Events of one key, so that they stand in one partition and one batch.
async fn of_one_key(of: &Fixture, names: &[&str]) {
    of.append(ChangePushed::TOPIC, names.iter().map(|name| record_of(&pushed("key", name)))).await;
}

async fn a_retry_succeeds_and_keeps_the_order(of: Fixture) {
    of.service.script("b", [Act::Retry, Act::Retry]);
    of_one_key(&of, &["a", "b", "c"]).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "c"]);
    assert_eq!(of.published().await, ["a", "b", "c"]);
    let attempts = of.service.attempts();
    assert_eq!(attempts.iter().filter(|name| *name == "b").count(), 3, "{attempts:?}");
    let c = attempts.iter().position(|name| name == "c").expect("tried");
    assert!(!attempts[c..].iter().any(|name| name == "b"), "nothing overtakes: {attempts:?}");
    assert!(of.open_letters(0).await.is_empty());
}

/// Longer than all attempts together: that it is away says nothing about the event.
async fn a_service_that_is_away_is_waited_for(of: Fixture) {
    of.service.script("b", [Act::Away; 10]);
    of_one_key(&of, &["a", "b", "c"]).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "c"]);
    assert!(of.open_letters(0).await.is_empty());
}

async fn retries_end_in_a_dead_letter_that_tells_all(of: Fixture) {
    of.service.script("b", [Act::Retry; 10]);
    let records = ["a", "b", "c"].map(|name| record_of(&pushed("key", name)));
    let sent = records[1].clone();
    of.append(ChangePushed::TOPIC, records).await;
    let running = of.start();
    let letters = of.open_letters(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "c"]);
    assert_eq!(of.published().await, ["a", "c"]);

    let [letter] = &letters[..] else { panic!("one dead letter, not {}", letters.len()) };
    assert_eq!(letter.reason, "retries_exhausted");
    assert_eq!(letter.error, "not now");
    assert_eq!((letter.lane.as_str(), letter.origin.as_str()), ("event", ChangePushed::TOPIC));
    assert_eq!(letter.r#type, ChangePushed::TYPE);
    assert_eq!(letter.attempts, 3);
    assert_eq!(letter.offset, 1);
    assert_eq!(letter.record.key, sent.key);
    assert_eq!(letter.record.value, sent.value);
    assert_eq!(letter.record.headers, sent.headers);
    assert_eq!(letter.decided, None);

    let dead = of.records(&dead_letter_topic("review")).await;
    let [dead] = &dead[..] else { panic!("one record, not {}", dead.len()) };
    assert_eq!((&dead.key, &dead.value), (&sent.key, &sent.value));
    assert_eq!(dead.headers[..sent.headers.len()], sent.headers[..], "what it came with");
    for (name, value) in [
        ("septet_dead_letter_id", letter.id.clone()),
        ("septet_reason", "retries_exhausted".to_owned()),
        ("septet_error", "not now".to_owned()),
        ("septet_topic", ChangePushed::TOPIC.to_owned()),
        ("septet_partition", letter.partition.to_string()),
        ("septet_offset", "1".to_owned()),
        ("septet_attempts", "3".to_owned()),
        ("septet_time", letter.failed.to_string()),
    ] {
        assert_eq!(header(dead, name), value, "{name}");
    }
}

async fn a_rejected_event_leaves_its_neighbours_alone(of: Fixture) {
    // The second one finds savepoints, which are only set once one was rejected.
    of.service.script("c", [Act::Reject]);
    of.service.script("e", [Act::Reject]);
    of_one_key(&of, &["a", "b", "c", "d", "e", "f"]).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "d", "f"], "their effects are undone");
    assert_eq!(of.published().await, ["a", "b", "d", "f"], "their events did not leave");
    let attempts = ["a", "b", "c", "a", "b", "d", "e", "f"];
    assert_eq!(
        of.service.attempts(),
        attempts,
        "only what the first one's transaction took along is repeated"
    );
    let letters = of.open_letters(2).await;
    assert_eq!(letters.len(), 2);
    assert_eq!((letters[0].reason.as_str(), letters[0].error.as_str()), ("rejected", "TEST-0001: never"));
    assert_eq!(of.records(&dead_letter_topic("review")).await.len(), 2);
}

async fn a_panic_is_one_failed_attempt(of: Fixture) {
    of.service.script("a", [Act::Panic]);
    of.service.script("b", [Act::Panic; 10]);
    of_one_key(&of, &["a", "b", "c"]).await;
    let running = of.start();
    let letters = of.open_letters(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "c"]);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "retries_exhausted");
    assert!(!letters[0].error.contains("a handler's bug"), "a panic's payload may hold data");
}

async fn a_handler_that_hangs_is_stopped(of: Fixture) {
    of.service.script("a", [Act::Hang]);
    of_one_key(&of, &["a", "b"]).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b"]);
    assert_eq!(of.service.attempts(), ["a", "a", "b"]);
}

async fn an_event_too_large_to_publish_is_rejected_at_once(of: Fixture) {
    of.service.script("a", [Act::PublishTooMuch; 10]);
    of_one_key(&of, &["a", "b"]).await;
    let running = of.start();
    let letters = of.open_letters(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["b"]);
    assert_eq!(letters[0].reason, "rejected");
    assert_eq!(of.service.attempts(), ["a", "b"], "another try would not make it smaller");
}

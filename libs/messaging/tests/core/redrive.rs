//! What an operator decides on dead letters.

use bytes::Bytes;
use prost::Message;
use septet_contract::{Event, Record};
use septet_messaging::{DeadLetterState, Units, redrive_topic};
use septet_proto_devops::v1::ChangePushed;
use septet_testkit::eventually;

use crate::{
    fixture::{Fixture, on_each_engine, pushed, record, settings, topics},
    service::Act,
};

on_each_engine! {
    a_redriven_event_is_handled_once
    a_mended_value_is_handled
    a_redrive_reaches_no_other_group
    decisions_are_kept_with_who_and_when
    lists_go_page_by_page
}

async fn a_redriven_event_is_handled_once(of: Fixture) {
    of.service.script("a", [Act::Reject]);
    of.append(ChangePushed::TOPIC, [record("a")]).await;
    let running = of.start();
    let letter = of.open_letters(1).await.remove(0);
    let redriven = of.letters().redrive(&letter.id, None, false, "ann").await.expect("asked");
    assert_eq!(redriven.map(|letter| letter.state), Some(DeadLetterState::Redriven));
    of.idle().await;
    assert_eq!(of.effects().await, ["a"]);
    // A relay that was not sure has sent it twice.
    let twice = of.records(&redrive_topic("review")).await;
    of.append(&redrive_topic("review"), twice).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
    assert!(of.open_letters(0).await.is_empty());
}

async fn a_mended_value_is_handled(of: Fixture) {
    let broken = Record { value: Some(Bytes::from_static(b"\xff")), ..record("broken") };
    of.append(ChangePushed::TOPIC, [broken]).await;
    let running = of.start();
    let letter = of.open_letters(1).await.remove(0);
    // As it is, it is dead again, and says where it first came from.
    of.letters().redrive(&letter.id, None, false, "ann").await.expect("asked").expect("it was open");
    let again = eventually("it is dead again", async || {
        of.open_letters(1).await.into_iter().find(|other| other.id != letter.id)
    })
    .await;
    assert_eq!((again.origin.as_str(), again.reason.as_str()), (ChangePushed::TOPIC, "invalid_payload"));
    let mended = Bytes::from(pushed("broken", "mended").encode_to_vec());
    of.letters().redrive(&again.id, Some(mended), false, "ann").await.expect("asked").expect("it was open");
    assert_eq!(of.effects_of(1).await, ["mended"]);
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["mended"]);
}

async fn a_redrive_reaches_no_other_group(of: Fixture) {
    // Another service that reads the same topic, with a database of its own.
    let other = Fixture::sqlite(&format!("redrive::other::{}", of.store.engine())).await;
    of.log.apply_topics(&topics("docs")).await.expect("topics");
    let units = Units::new(other.store.clone(), "docs", settings());
    of.service.script("a", [Act::Reject]);
    of.append(ChangePushed::TOPIC, [record("a")]).await;
    let running = of.start();
    let elsewhere = other.start_with(&units, &other.service, of.log.clone());
    let letter = of.open_letters(1).await.remove(0);
    other.effects_of(1).await;
    of.letters().redrive(&letter.id, None, false, "ann").await.expect("asked").expect("it was open");
    of.effects_of(1).await;
    of.idle().await;
    elsewhere.drain().await;
    running.drain().await;
    assert_eq!(other.effects().await, ["a"], "it had handled it long ago");
}

async fn decisions_are_kept_with_who_and_when(of: Fixture) {
    for name in ["a", "b"] {
        of.service.script(name, [Act::Reject, Act::Reject]);
        of.append(ChangePushed::TOPIC, [record(name)]).await;
    }
    let running = of.start();
    let letters = of.open_letters(2).await;
    let (first, second) = (&letters[0].id, &letters[1].id);
    assert!(of.letters().discard("no-such", "ann").await.expect("asked").is_none());
    assert!(of.letters().get("no-such").await.expect("asked").is_none());
    let before = septet_contract::Timestamp::now();
    let discarded = of.letters().discard(first, "ann").await.expect("asked").expect("it was open");
    assert_eq!(discarded.state, DeadLetterState::Discarded);
    let (by, at) = discarded.decided.expect("who and when");
    assert_eq!(by, "ann");
    assert!(at >= before && at <= septet_contract::Timestamp::now());
    // What was decided stays, unless the operator insists.
    assert!(of.letters().discard(first, "bob").await.expect("asked").is_none());
    assert!(of.letters().redrive(first, None, false, "bob").await.expect("asked").is_none());
    let kept = of.letters().get(first).await.expect("asked").expect("it is there");
    assert_eq!(kept.decided.map(|(by, _)| by), Some("ann".to_owned()));
    of.letters().redrive(first, None, true, "bob").await.expect("asked").expect("insisted");
    let listed = of.letters().list(DeadLetterState::Redriven, None, 10).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].decided.as_ref().map(|(by, _)| by.as_str()), Some("bob"));
    let open = of.open_letters(2).await;
    assert!(open.iter().any(|letter| letter.id == *second), "the other one waits");
    running.drain().await;
}

async fn lists_go_page_by_page(of: Fixture) {
    for number in 0..7 {
        let name = number.to_string();
        of.service.script(&name, [Act::Reject]);
        of.append(ChangePushed::TOPIC, [record(&name)]).await;
    }
    let running = of.start();
    let mut expected: Vec<_> = of.open_letters(7).await.into_iter().map(|letter| letter.id).collect();
    running.drain().await;
    expected.reverse();
    let mut ids: Vec<String> = Vec::new();
    loop {
        let before = ids.last().map(String::as_str);
        let page = of.letters().list(DeadLetterState::Open, before, 3).await.expect("listed");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        ids.extend(page.into_iter().map(|letter| letter.id));
    }
    assert_eq!(ids, expected, "newest first, each once");
}

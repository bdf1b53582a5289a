//! Effects happen exactly once and in order per key.

use std::sync::Arc;

use septet_contract::Event;
use septet_messaging::log::Append;
use septet_proto_devops::v1::ChangePushed;
use septet_testkit::history::{History, Order, Outcome};

use crate::{
    fixture::{Fixture, on_each_engine, pushed, record, record_of},
    service::Act,
};

on_each_engine! {
    a_record_that_comes_twice_has_one_effect
    a_batch_of_duplicates_alone_moves_on
    keys_keep_their_order_among_many_publishers
}

async fn a_record_that_comes_twice_has_one_effect(of: Fixture) {
    let twice = [record("a"), record("b")];
    // In one batch, in the next one, and after a restart.
    of.append(ChangePushed::TOPIC, twice.iter().cloned().flat_map(|record| [record.clone(), record])).await;
    let running = of.start();
    of.effects_of(2).await;
    of.append(ChangePushed::TOPIC, twice.clone()).await;
    of.idle().await;
    running.drain().await;
    of.append(ChangePushed::TOPIC, twice).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    let mut effects = of.effects().await;
    effects.sort();
    assert_eq!(effects, ["a", "b"]);
    assert_eq!(of.published().await, ["a", "b"], "and each was answered once");
    assert_eq!(of.service.attempts().len(), 2);
}

async fn a_batch_of_duplicates_alone_moves_on(of: Fixture) {
    let same = record("a");
    let running = of.start();
    of.append(ChangePushed::TOPIC, [same.clone()]).await;
    of.idle().await;
    for _ in 0..3 {
        of.append(ChangePushed::TOPIC, vec![same.clone(); 70]).await;
        of.idle().await;
    }
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
}

async fn keys_keep_their_order_among_many_publishers(of: Fixture) {
    const KEYS: usize = 24;
    const EACH: u64 = 40;
    let history = Arc::new(History::new());
    // Some fail at first, so that batches are undone and repeated in the middle of it all.
    for key in (0..KEYS).step_by(3) {
        of.service.script(&format!("{key}/7"), [Act::Retry]);
        of.service.script(&format!("{key}/20"), [Act::Panic, Act::Retry]);
    }
    let running = of.start();
    let publishers = (0..4).map(|publisher| {
        let (history, log) = (history.clone(), of.log.clone());
        tokio::spawn(async move {
            for seq in 0..EACH {
                for key in (0..KEYS).filter(|key| key % 4 == publisher) {
                    let (key, id) = (key.to_string(), format!("{key}/{seq}"));
                    history.intend(&id, &key, seq);
                    let record = record_of(&pushed(&key, &id));
                    let append = Append { topic: ChangePushed::TOPIC.to_owned(), record };
                    // A producer that is not sure sends again.
                    let copies = vec![append; if seq % 5 == 0 { 2 } else { 1 }];
                    let acked = log.append(copies).await.iter().all(Result::is_ok);
                    history.outcome(&id, if acked { Outcome::Acked } else { Outcome::Unknown });
                }
            }
        })
    });
    for publisher in publishers.collect::<Vec<_>>() {
        publisher.await.expect("a publisher");
    }
    of.idle().await;
    running.drain().await;
    for effect in of.effects().await {
        history.effect(&effect);
    }
    let summary = history.check(Order::PerKey).expect("exactly once, in order");
    assert_eq!(summary.acked, KEYS * EACH as usize);
    assert_eq!(summary.effects, summary.acked);
    assert_eq!(of.published().await.len(), summary.acked);
}

//! A partition that moves to another replica takes nothing with it and leaves nothing behind.

use std::sync::atomic::Ordering;

use septet_contract::Event;
use septet_messaging::Dispatcher;
use septet_proto_devops::v1::ChangePushed;
use septet_testkit::{
    eventually,
    history::{History, Order, Outcome},
};

use crate::{
    faulty_log::{Fault, FaultyLog},
    fixture::{Fixture, Running, catalog, on_each_engine, pushed, record_of},
    service::Act,
};

on_each_engine! {
    a_partition_revoked_in_the_middle_of_a_batch_goes_on_elsewhere
}

async fn a_partition_revoked_in_the_middle_of_a_batch_goes_on_elsewhere(of: Fixture) {
    let history = History::new();
    // Enough keys that each partition has some, so that whichever is revoked is in the middle of a batch.
    for key in (0..40).map(|key: u32| key.to_string()) {
        of.service.script(&format!("{key}/0"), [Act::Wait]);
        for seq in 0..3 {
            let id = format!("{key}/{seq}");
            history.intend(&id, &key, seq);
            of.append(ChangePushed::TOPIC, [record_of(&pushed(&key, &id))]).await;
            history.outcome(&id, Outcome::Acked);
        }
    }
    let log = FaultyLog::new(of.log.clone(), Fault::None);
    let first = of.start_with(&of.units, &of.service, log.clone());
    of.service.waiting.acquire().await.expect("one waits").forget();
    let mut second = Running::default();
    let dispatcher = Dispatcher::new(of.units.clone(), of.log.clone(), catalog(), of.handlers());
    second.spawn(|stop| async move { dispatcher.run(stop).await.expect("events") });
    eventually("partitions are revoked", async || (log.revoked.load(Ordering::Relaxed) > 0).then_some(()))
        .await;
    of.service.gate.add_permits(1_000);
    of.idle().await;
    second.drain().await;
    first.drain().await;
    for effect in of.effects().await {
        history.effect(&effect);
    }
    history.check(Order::PerKey).expect("each once, in order");
    assert_eq!(of.published().await.len(), 120);
}

//! What a process had in hand when it was killed is done by the next one, once.

use septet_contract::Event;
use septet_proto_devops::v1::ChangePushed;

use crate::{
    fixture::{Fixture, job, on_each_engine, pushed, record_of},
    service::Act,
};

on_each_engine! {
    an_event_in_hand_comes_again
    a_job_in_hand_comes_again
}

async fn an_event_in_hand_comes_again(of: Fixture) {
    of.service.script("b", [Act::Wait]);
    of.append(ChangePushed::TOPIC, ["a", "b", "c"].map(|name| record_of(&pushed("key", name)))).await;
    let running = of.start();
    of.service.waiting.acquire().await.expect("it waits").forget();
    running.kill().await;
    assert!(of.effects().await.is_empty(), "nothing was committed");
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "c"]);
    assert_eq!(of.published().await, ["a", "b", "c"]);
}

async fn a_job_in_hand_comes_again(of: Fixture) {
    of.service.script("a", [Act::Wait]);
    of.send(job("a")).await;
    let running = of.start();
    of.service.waiting.acquire().await.expect("it waits").forget();
    running.kill().await;
    assert!(of.effects().await.is_empty(), "nothing was committed");
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
    assert_eq!(of.published().await, ["a"]);
}

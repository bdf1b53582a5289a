//! A drain finishes what is in hand, takes nothing more, and sends what waits.

use std::time::Duration;

use septet_contract::{Event, Job};
use septet_proto_devops::v1::{ChangePushed, ImportCommits};
use septet_testkit::{Deadline, within};

use crate::{
    fixture::{Fixture, job, on_each_engine, pushed, record_of},
    service::Act,
};

on_each_engine! {
    the_event_in_hand_is_finished_and_the_rest_of_its_batch_comes_again
    the_job_in_hand_is_finished_and_the_next_stays
}

async fn the_event_in_hand_is_finished_and_the_rest_of_its_batch_comes_again(of: Fixture) {
    of.service.script("a", [Act::Wait]);
    of.append(ChangePushed::TOPIC, ["a", "b", "c"].map(|name| record_of(&pushed("key", name)))).await;
    let running = of.start();
    of.service.waiting.acquire().await.expect("it waits").forget();
    let drained = tokio::spawn(running.drain());
    // The drain has begun once the loop is told; the handler has a second of its own time.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!drained.is_finished(), "it waits for what is in hand");
    of.service.gate.add_permits(1);
    within(Deadline::SHORT, "the drain", drained).await.expect("drained");
    assert_eq!(of.effects().await, ["a"]);
    assert_eq!(of.published().await, ["a"], "what it published was sent");
    assert_eq!(of.service.attempts(), ["a"], "nothing more was begun");
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "c"]);
}

async fn the_job_in_hand_is_finished_and_the_next_stays(of: Fixture) {
    of.service.script("a", [Act::Wait]);
    of.send(job("a")).await;
    of.send(job("b")).await;
    let running = of.start();
    of.service.waiting.acquire().await.expect("it waits").forget();
    let drained = tokio::spawn(running.drain());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!drained.is_finished(), "it waits for what is in hand");
    of.service.gate.add_permits(1);
    within(Deadline::SHORT, "the drain", drained).await.expect("drained");
    assert_eq!(of.effects().await, ["a"]);
    let depth = of.queue.depth(ImportCommits::QUEUE).await.expect("depth");
    assert_eq!((depth.ready, depth.leased), (1, 0), "the other one was given back");
}

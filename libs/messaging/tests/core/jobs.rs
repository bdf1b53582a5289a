//! Jobs: retried with pauses, dead-lettered at the end, done once.

use septet_contract::{Header, Job, Message, Record};
use septet_messaging::{DeadLetterState, Settings};
use septet_proto_devops::v1::ImportCommits;
use septet_store::StoreConfig;
use septet_testkit::eventually;

use crate::{
    fixture::{Fixture, job, on_each_engine, settings},
    service::Act,
};

on_each_engine! {
    a_retry_succeeds
    retries_end_in_a_dead_letter_and_a_redrive_does_it
    a_rejected_job_is_dead_at_once
    a_panic_and_a_hang_are_failed_attempts
    a_job_that_comes_twice_is_done_once
    a_job_enqueues_the_next
    a_job_that_only_waited_is_not_given_up
    a_job_whose_workers_crash_each_time_is_given_up
}

async fn a_retry_succeeds(of: Fixture) {
    of.service.script("a", [Act::Retry; 3]);
    of.send(job("a")).await;
    let running = of.start();
    of.effects_of(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
    assert_eq!(of.service.attempts(), ["a"; 4]);
    assert_eq!(of.published().await, ["a"], "what failed attempts published did not leave");
}

async fn retries_end_in_a_dead_letter_and_a_redrive_does_it(of: Fixture) {
    of.service.script("a", [Act::Retry; ImportCommits::MAX_ATTEMPTS as usize]);
    let sent = job("a");
    of.send(sent.clone()).await;
    let running = of.start();
    let letter = of.open_letters(1).await.remove(0);
    of.idle().await;
    assert_eq!(of.service.attempts().len(), ImportCommits::MAX_ATTEMPTS as usize);
    assert_eq!((letter.lane.as_str(), letter.origin.as_str()), ("job", ImportCommits::QUEUE));
    assert_eq!((letter.reason.as_str(), letter.attempts), ("retries_exhausted", ImportCommits::MAX_ATTEMPTS));
    assert_eq!((&letter.record.value, letter.r#type.as_str()), (&sent.value, ImportCommits::TYPE));
    assert!(of.effects().await.is_empty());
    of.letters().redrive(&letter.id, None, false, "ann").await.expect("asked").expect("it was open");
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
}

async fn a_rejected_job_is_dead_at_once(of: Fixture) {
    of.service.script("a", [Act::Reject]);
    of.send(job("a")).await;
    let running = of.start();
    let letter = of.open_letters(1).await.remove(0);
    of.idle().await;
    running.drain().await;
    assert_eq!((letter.reason.as_str(), letter.attempts), ("rejected", 1));
    assert!(of.effects().await.is_empty());
}

async fn a_panic_and_a_hang_are_failed_attempts(of: Fixture) {
    of.service.script("a", [Act::Panic, Act::Hang]);
    of.send(job("a")).await;
    let running = of.start();
    of.effects_of(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
    assert_eq!(of.service.attempts().len(), 3);
}

async fn a_job_that_comes_twice_is_done_once(of: Fixture) {
    let sent = job("a");
    for _ in 0..3 {
        of.send(sent.clone()).await;
    }
    let running = of.start();
    of.effects_of(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a"]);
    assert_eq!(of.published().await, ["a"]);
}

async fn a_job_enqueues_the_next(of: Fixture) {
    of.service.script("a", [Act::EnqueueAgain]);
    of.service.script("a-next", [Act::EnqueueAgain]);
    of.send(job("a")).await;
    let running = of.start();
    assert_eq!(of.effects_of(3).await, ["a", "a-next", "a-next-next"]);
    running.drain().await;
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_dead_once_however_often_it_comes() {
    // One that was given back would not be seen again within this test.
    let slow = Settings { backoff_ms: 60_000, backoff_max_ms: 60_000, ..settings() };
    let of = Fixture::with(StoreConfig::default(), "jobs::garbage", slow).await;
    let garbage = Record { headers: vec![Header::text("content-type", "text/html")], ..job("x") };
    of.send(garbage.clone()).await;
    // As after a crash between the dead letter and the acknowledgement.
    of.send(garbage).await;
    of.send(job("after")).await;
    let running = of.start();
    let letters = of.open_letters(1).await;
    of.effects_of(1).await;
    eventually("the queue is empty", async || {
        let depth = of.queue.depth(ImportCommits::QUEUE).await.expect("depth");
        (depth.ready + depth.delayed + depth.leased == 0).then_some(())
    })
    .await;
    running.drain().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "unsupported_content_type");
    assert_eq!(of.effects().await, ["after"]);
}

/// As in the hands of a consumer whose queue's server is killed again and again.
async fn a_job_that_only_waited_is_not_given_up(of: Fixture) {
    of.send(job("a")).await;
    let mut attempt = 0;
    while attempt < 2 * ImportCommits::MAX_ATTEMPTS {
        let mut jobs = of.queue.consume(ImportCommits::QUEUE, 1).await.expect("jobs are taken");
        attempt = jobs.next().await.expect("the job comes again").attempt;
    }
    of.service.script("a", [Act::Retry; 2]);
    let running = of.start();
    of.effects_of(1).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.service.attempts(), ["a"; 3]);
    let letters = of.letters().list(DeadLetterState::Open, None, 10).await.expect("listed");
    assert!(letters.is_empty(), "{}", letters[0].error);
}

async fn a_job_whose_workers_crash_each_time_is_given_up(of: Fixture) {
    let crashes = ImportCommits::MAX_ATTEMPTS as usize + 3;
    of.service.script("a", vec![Act::Wait; crashes]);
    of.send(job("a")).await;
    for _ in 0..crashes {
        let running = of.start();
        of.service.waiting.acquire().await.expect("it waits").forget();
        running.kill().await;
    }
    let running = of.start();
    let letter = of.open_letters(1).await.remove(0);
    running.drain().await;
    assert_eq!(
        (letter.reason.as_str(), letter.error.as_str()),
        ("retries_exhausted", "its worker crashed each time")
    );
    assert_eq!(letter.attempts as usize, crashes + 1);
    assert!(of.effects().await.is_empty());
}

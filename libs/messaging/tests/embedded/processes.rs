//! Several open logs and queues on one file, as several processes would have it.

use std::time::Duration;

use septet_messaging::{
    log::{Assignment, From, embedded::EmbeddedOptions as LogOptions},
    queue::{Depth, QueueSettings, embedded::EmbeddedOptions as QueueOptions},
};
use septet_testkit::{eventually, within};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use crate::fixture::{append, create, job, open_log, open_queue, record, text};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_another_process_wake_a_reader() {
    let dir = TempDir::new().expect("a directory");
    let here = open_log(dir.path(), LogOptions::default()).await;
    let there = open_log(dir.path(), LogOptions::default()).await;
    create(&*there, "t", 1).await;
    let mut reader = here.read("t", 0, From::Start).await.expect("a topic of the other process is known");
    let (batch, _) = tokio::join!(
        within(SOON, "the record", reader.batch(1)),
        append(&*there, "t", vec![record("k", "1")])
    );
    assert_eq!(batch.expect("a batch")[0].offset, 0);
    // Offsets go on where the other process left off.
    assert_eq!(append(&*here, "t", vec![record("k", "2")]).await[0].offset, 1);
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_stops_renewing_is_replaced_and_fenced() {
    let dir = TempDir::new().expect("a directory");
    let options = LogOptions { lease: Duration::from_millis(600), ..LogOptions::default() };
    let here = open_log(dir.path(), options.clone()).await;
    create(&*here, "t", 1).await;
    append(&*here, "t", vec![record("k", "1"), record("k", "2")]).await;
    // A member of a process that was killed: it is in the file, and nobody renews it.
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", dir.path().join("log.db").display()))
        .await
        .expect("the file opens");
    sqlx::raw_sql(
        "INSERT INTO members VALUES ('g', 'killed', 'gone', '[\"t\"]', (unixepoch('subsec') + 1) * 1000000);
         INSERT INTO assignments VALUES ('g', (SELECT id FROM partitions), 'killed', 'killed', 7);",
    )
    .execute(&mut file)
    .await
    .expect("written");
    let mut membership = here.subscribe("g", &["t".to_owned()]).await.expect("joined");
    let Assignment::Assigned(mut partition) =
        within(SOON, "a takeover", membership.next()).await.expect("a change")
    else {
        panic!("it has nothing to give back")
    };
    partition.batch(1).await.expect("a batch");

    // Now this member is the one that another process declares dead: it loses the partition, and joins again.
    sqlx::raw_sql("UPDATE members SET expires = 0; DELETE FROM members; UPDATE assignments SET owner = NULL, epoch = 99;")
        .execute(&mut file)
        .await
        .expect("written");
    let change = within(SOON, "the loss to be told", membership.next()).await.expect("a change");
    assert!(matches!(change, Assignment::Revoked { .. }), "the partition is lost");
    assert!(partition.commit(1).await.is_err(), "the old lease is fenced");
    let change = within(SOON, "a new assignment", membership.next()).await.expect("a change");
    let Assignment::Assigned(mut again) = change else { panic!("it has nothing to give back") };
    assert_eq!(again.batch(1).await.expect("a batch")[0].offset, 0, "what was not committed comes again");
    again.commit(1).await.expect("the new lease commits");
    drop(again);
    membership.leave().await;
    assert_eq!(here.committed("g", "t").await.expect("positions"), [(0, 1)]);
    file.close().await.expect("closed");
    here.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_is_not_given_back_is_taken() {
    let dir = TempDir::new().expect("a directory");
    let options = LogOptions { revoke_limit: Duration::from_millis(300), ..LogOptions::default() };
    let log = open_log(dir.path(), options).await;
    create(&*log, "t", 2).await;
    let mut stubborn = log.subscribe("g", &["t".to_owned()]).await.expect("joined");
    let mut kept = Vec::new();
    for _ in 0..2 {
        if let Assignment::Assigned(partition) = stubborn.next().await.expect("a change") {
            kept.push(partition);
        }
    }
    let mut second = log.subscribe("g", &["t".to_owned()]).await.expect("joined");
    let change = within(SOON, "the partition", second.next()).await.expect("a change");
    let Assignment::Assigned(taken) = change else { panic!("it has nothing to give back") };
    let old = kept.iter_mut().find(|old| old.partition() == taken.partition()).expect("one that it had");
    assert!(old.batch(1).await.is_err() && old.commit(0).await.is_err(), "the old lease is over");
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_another_process_wakes_a_consumer_and_a_dead_ones_job_comes_back() {
    let dir = TempDir::new().expect("a directory");
    let options = QueueOptions { lease: Duration::from_millis(900), ..QueueOptions::default() };
    let here = open_queue(dir.path(), options.clone()).await;
    let there = open_queue(dir.path(), options).await;
    there.declare(&[QueueSettings { name: "q".to_owned(), max_attempts: 5 }]).await.expect("declared");
    let mut consumer = here.consume("q", 2).await.expect("a queue of the other process is known");
    let (delivery, _) =
        tokio::join!(within(SOON, "the job", consumer.next()), there.send(vec![job("q", "1")]));
    let delivery = delivery.expect("a job");
    // Held for longer than the lease, it stays out: it is renewed.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(there.depth("q").await.expect("the depth"), Depth { ready: 0, delayed: 0, leased: 1 });
    // A process that was killed renews nothing.
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", dir.path().join("queue.db").display()))
        .await
        .expect("the file opens");
    sqlx::query("UPDATE jobs SET owner = 'gone'").execute(&mut file).await.expect("written");
    let again = within(SOON, "the job to come back", consumer.next()).await.expect("a job");
    assert_eq!((text(&again.record).as_str(), again.attempt), ("1", 2));
    assert!(delivery.lease.ack().await.is_err(), "the first lease was lost");
    again.lease.ack().await.expect("the second one holds");
    file.close().await.expect("closed");
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_nobody_settles_is_set_aside() {
    let dir = TempDir::new().expect("a directory");
    let queue = open_queue(dir.path(), QueueOptions::default()).await;
    queue.declare(&[QueueSettings { name: "q".to_owned(), max_attempts: 2 }]).await.expect("declared");
    let _ = queue.send(vec![job("q", "deadly")]).await;
    let mut consumer = queue.consume("q", 1).await.expect("consumed");
    for attempt in 1..=18 {
        assert_eq!(within(SOON, "the job", consumer.next()).await.expect("a job").attempt, attempt);
    }
    let _ = queue.send(vec![job("q", "next")]).await;
    let next = within(SOON, "the next job", consumer.next()).await.expect("a job");
    assert_eq!(text(&next.record), "next");
    next.lease.ack().await.expect("acked");
    eventually("an empty queue", async || {
        (queue.depth("q").await.expect("the depth") == Depth::default()).then_some(())
    })
    .await;
    queue.close().await;
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", dir.path().join("queue.db").display()))
        .await
        .expect("the file opens");
    let dead: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT attempts, value FROM dead").fetch_all(&mut file).await.expect("kept");
    assert_eq!(dead, [(18, b"deadly".to_vec())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_was_given_up_costs_no_attempt() {
    const JOBS: usize = 100;
    let dir = TempDir::new().expect("a directory");
    let queue = open_queue(dir.path(), QueueOptions::default()).await;
    queue.declare(&[QueueSettings { name: "q".to_owned(), max_attempts: 5 }]).await.expect("declared");
    let _ = queue.send((0..JOBS).map(|n| job("q", &n.to_string())).collect()).await;
    let mut consumer = queue.consume("q", 1).await.expect("consumed");
    // Far less than a lease: what was taken and not received must come back by itself.
    within(SOON * 3, "all jobs", async {
        let (mut taken, mut patience) = (0, 0);
        while taken < JOBS {
            // From no patience at all to plenty, so that it is given up at every stage and gets on all the same.
            patience = (patience + 1) % 40;
            let wait = tokio::time::timeout(Duration::from_micros(40 * patience * patience), consumer.next());
            if let Ok(delivery) = wait.await {
                let delivery = delivery.expect("a job");
                assert_eq!(delivery.attempt, 1, "nobody had it before");
                delivery.lease.ack().await.expect("acked");
                taken += 1;
            }
        }
    })
    .await;
    queue.close().await;
}

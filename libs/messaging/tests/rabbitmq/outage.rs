use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use bytes::Bytes;
use septet_contract::Record;
use septet_messaging::queue::{Consumer, Outgoing, Queue, QueueError, QueueSettings, SharedQueue};
use septet_servers::{Life, Server};
use septet_testkit::{Deadline, eventually, evidence::Workspace, within};

use super::own;

/// How long the queue may take to work again once the broker answers.
const RECOVERY: Duration = Duration::from_secs(15);

fn job(value: &str) -> Outgoing {
    let record = Record { value: Some(Bytes::copy_from_slice(value.as_bytes())), ..Record::default() };
    Outgoing { queue: "work".to_owned(), record, delay: Duration::ZERO }
}

async fn declare(queue: &dyn Queue) {
    queue.declare(&[QueueSettings { name: "work".to_owned(), max_attempts: 5 }]).await.expect("declared");
}

/// Sends until it succeeds, as the relay does.
async fn send(queue: &dyn Queue, value: &str) {
    within(Deadline::LONG, "the job to be sent", async {
        while let Err(error) = queue.send(vec![job(value)]).await.pop().expect("one result") {
            assert!(error.is_transient(), "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// Takes one job and settles it; what it was.
async fn take(consumer: &mut dyn Consumer) -> String {
    let delivery = within(Deadline::LONG, "a delivery", consumer.next()).await.expect("the consumer goes on");
    let value = delivery.record.value.clone().expect("a value").to_vec();
    match delivery.lease.ack().await {
        // Where the broker has not heard of it, the job comes again.
        Ok(()) | Err(QueueError::Closed) => {}
        Err(error) => assert!(error.is_transient(), "{error}"),
    }
    String::from_utf8(value).expect("text")
}

/// Kills the broker, waits until that is told, starts it again.
async fn kill_and_start(server: Server, queue: &SharedQueue) -> Server {
    let (server, killed) = own::order(server, Server::kill).await;
    killed.expect("killed");
    eventually("the loss to be told", async || queue.available().await.err()).await;
    let (server, started) = own::order(server, |server| server.start(Life::WithParent)).await;
    started.expect("it starts again");
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_outlive_a_broker_that_is_killed() {
    let workspace = Workspace::new("rabbitmq_outage");
    let Some(mut server) = own::start(own::new(workspace.path())).await else { return };
    let queue = own::queue(workspace.path(), &server);
    declare(&*queue).await;
    let mut consumer = queue.consume("work", 4).await.expect("the queue can be consumed");
    let all: BTreeSet<String> = (0..3000).map(|n| n.to_string()).collect();
    let sending = {
        let (queue, all) = (queue.clone(), all.clone());
        tokio::spawn(async move {
            for value in &all {
                send(&*queue, value).await;
            }
        })
    };
    let mut done = BTreeSet::new();
    for round in 1..=2 {
        while done.len() < 400 * round {
            done.insert(take(&mut *consumer).await);
        }
        server = kill_and_start(server, &queue).await;
        let back = Instant::now();
        let before = done.len();
        while done.len() == before {
            done.insert(take(&mut *consumer).await);
        }
        assert!(back.elapsed() < RECOVERY, "jobs came again after {:?}", back.elapsed());
        eventually("the return to be told", async || queue.available().await.ok()).await;
    }
    while done != all {
        done.insert(take(&mut *consumer).await);
    }
    within(Deadline::LONG, "everything to be sent", sending).await.expect("everything is sent");
    within(Deadline::LONG, "closing", queue.close()).await;
    drop(server);
}

/// A broker that runs out of disk takes nothing in: that is told, nothing piles up, and what is there can be taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_room_is_waited_for() {
    let workspace = Workspace::new("rabbitmq_disk");
    let Some(server) = own::start(own::new(workspace.path())).await else { return };
    let queue = own::queue(workspace.path(), &server);
    declare(&*queue).await;
    send(&*queue, "before").await;
    let restart = async |server: Server, limit: &str| {
        let (server, stopped) = own::order(server, Server::stop).await;
        stopped.expect("stopped");
        let server = server.setting("disk_free_limit.absolute", limit);
        own::start(server).await.expect("it starts again")
    };
    let server = restart(server, "1000000GB").await;
    let refusal = within(Deadline::LONG, "the refusal", async {
        loop {
            match queue.send(vec![job("late")]).await.pop().expect("one result") {
                Err(error) if error.to_string().contains("takes no jobs for now") => return error,
                Err(error) => assert!(error.is_transient(), "{error}"),
                Ok(()) => {}
            }
        }
    })
    .await;
    assert!(refusal.is_transient() && refusal.to_string().contains("disk"), "{refusal}");
    let told = queue.available().await.expect_err("it takes nothing in");
    assert!(told.contains("takes no jobs for now"), "{told}");
    let asked = Instant::now();
    assert!(queue.send(vec![job("late")]).await[0].is_err());
    assert!(asked.elapsed() < Duration::from_secs(1), "refused at once, not after {:?}", asked.elapsed());
    let mut consumer = queue.consume("work", 4).await.expect("jobs can be taken");
    assert_eq!(take(&mut *consumer).await, "before");

    let server = restart(server, "1MB").await;
    send(&*queue, "after").await;
    within(Deadline::LONG, "the job", async { while take(&mut *consumer).await != "after" {} }).await;
    eventually("the return to be told", async || queue.available().await.ok()).await;
    queue.close().await;
    drop(server);
}

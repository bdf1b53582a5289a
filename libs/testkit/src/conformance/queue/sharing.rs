//! Jobs among several consumers.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::timeout;

use super::{
    QueueFixture,
    steps::{declare, job, next, send, text},
};
use crate::{Deadline, within};

/// Long enough for a job to come if it were to come.
const QUIET: Duration = Duration::from_millis(500);

/// No more than `prefetch` jobs are out with a consumer; settling one makes room for the next.
pub async fn prefetch_bounds_what_is_out(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, (0..3).map(|n| job(&name, n.to_string())).collect()).await;
    let mut consumer = queue.consume(&name, 2).await.expect("the queue can be consumed");
    let first = next(&mut *consumer).await;
    let second = next(&mut *consumer).await;
    assert!(timeout(QUIET, consumer.next()).await.is_err(), "a third is not handed out");
    first.lease.ack().await.expect("acknowledged");
    let third = next(&mut *consumer).await;
    assert_eq!(text(&third), "2");
    second.lease.ack().await.expect("acknowledged");
    third.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

/// Each job goes to one consumer.
pub async fn consumers_never_share_a_job(fixture: &dyn QueueFixture) {
    const JOBS: usize = 100;
    let queue = fixture.open().await;
    // The second one as another process would have it.
    let other = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, (0..JOBS).map(|n| job(&name, n.to_string())).collect()).await;
    let take = async |queue: &septet_messaging::queue::SharedQueue| {
        let mut consumer = queue.consume(&name, 4).await.expect("the queue can be consumed");
        let mut seen = Vec::new();
        // Leases are kept until the end, so that a job that comes twice was given to two.
        let mut leases = Vec::new();
        while let Ok(delivery) = timeout(Duration::from_secs(3), consumer.next()).await {
            let delivery = delivery.expect("a delivery");
            assert_eq!(delivery.attempt, 1, "{} was given out before", text(&delivery));
            seen.push(text(&delivery));
            leases.push(delivery.lease);
            if leases.len() == 4 {
                leases.remove(0).ack().await.expect("acknowledged");
            }
        }
        for lease in leases {
            lease.ack().await.expect("acknowledged");
        }
        seen
    };
    let (one, two) =
        within(Deadline::LONG, "all jobs", async { tokio::join!(take(&queue), take(&other)) }).await;
    let all: BTreeSet<&String> = one.iter().chain(&two).collect();
    assert_eq!((one.len() + two.len(), all.len()), (JOBS, JOBS), "each job once");
    other.close().await;
    queue.close().await;
}

/// A wait that was given up half-way takes no job with it.
pub async fn cancelled_waits_lose_no_job(fixture: &dyn QueueFixture) {
    const JOBS: usize = 60;
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    let mut consumer = queue.consume(&name, 4).await.expect("the queue can be consumed");
    let sending = async {
        for n in 0..JOBS {
            send(&*queue, vec![job(&name, n.to_string())]).await;
        }
    };
    let taking = within(Deadline::LONG, "all jobs", async {
        let (mut seen, mut patience) = (BTreeSet::new(), 0);
        while seen.len() < JOBS {
            patience = (patience + 1) % 40;
            if let Ok(delivery) = timeout(Duration::from_micros(100 * patience), consumer.next()).await {
                let delivery = delivery.expect("a delivery");
                seen.insert(text(&delivery));
                delivery.lease.ack().await.expect("acknowledged");
            }
        }
    });
    tokio::join!(sending, taking);
    queue.close().await;
}

/// What a consumer held when it was dropped goes to the next one.
pub async fn a_consumer_that_vanishes_gives_back(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, (0..5).map(|n| job(&name, n.to_string())).collect()).await;
    let mut first = queue.consume(&name, 5).await.expect("the queue can be consumed");
    drop(next(&mut *first).await);
    let held = next(&mut *first).await;
    drop(first);
    drop(held);
    let mut second = queue.consume(&name, 5).await.expect("the queue can be consumed");
    let mut seen = BTreeSet::new();
    while seen.len() < 5 {
        let delivery = next(&mut *second).await;
        seen.insert(text(&delivery));
        delivery.lease.ack().await.expect("acknowledged");
    }
    queue.close().await;
}

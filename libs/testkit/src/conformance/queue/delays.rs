//! Jobs that wait for their time.

use std::time::Duration;

use septet_messaging::queue::Outgoing;
use tokio::time::Instant;

use super::{
    QueueFixture,
    steps::{declare, job, next, send, text},
};

const DELAY: Duration = Duration::from_millis(1500);

/// A retried job comes again when its delay is over, not before, and the attempt is counted.
pub async fn a_retried_job_comes_after_its_delay(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, vec![job(&name, "again")]).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let first = next(&mut *consumer).await;
    let start = Instant::now();
    first.lease.retry(DELAY).await.expect("retried");
    let second = next(&mut *consumer).await;
    let waited = start.elapsed();
    assert_eq!((text(&second).as_str(), second.attempt), ("again", 2));
    assert!(waited >= DELAY, "it came after {waited:?}");
    assert!(waited <= DELAY + fixture.delay_slack(), "it came only after {waited:?}");
    // Without a delay it comes at once.
    second.lease.retry(Duration::ZERO).await.expect("retried");
    let third = next(&mut *consumer).await;
    assert_eq!(third.attempt, 3);
    third.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

/// A job sent with a delay waits for it, and does not hold up those sent after it.
pub async fn a_delayed_job_does_not_come_early(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    let start = Instant::now();
    let delayed = Outgoing { delay: DELAY, ..job(&name, "delayed") };
    send(&*queue, vec![delayed, job(&name, "at once")]).await;
    let mut consumer = queue.consume(&name, 2).await.expect("the queue can be consumed");
    let first = next(&mut *consumer).await;
    assert_eq!(text(&first), "at once");
    let second = next(&mut *consumer).await;
    let waited = start.elapsed();
    assert_eq!((text(&second).as_str(), second.attempt), ("delayed", 1));
    assert!(waited >= DELAY, "it came after {waited:?}");
    assert!(waited <= DELAY + fixture.delay_slack(), "it came only after {waited:?}");
    first.lease.ack().await.expect("acknowledged");
    second.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

//! Closing a queue, and opening it again.

use septet_messaging::queue::QueueError;

use super::{
    QueueFixture,
    steps::{declare, job, next, send, text},
};
use crate::{Deadline, within};

/// A job that was out when the queue closed comes again, and the attempt stays counted.
pub async fn attempts_outlive_the_queue(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, vec![job(&name, "again")]).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    drop(next(&mut *consumer).await);
    let out = next(&mut *consumer).await;
    assert_eq!(out.attempt, 2);
    queue.close().await;
    drop((out, consumer, queue));

    let queue = fixture.open().await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let delivery = next(&mut *consumer).await;
    assert_eq!((text(&delivery).as_str(), delivery.attempt), ("again", 3));
    delivery.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

/// Whoever waits is told, and whoever comes later as well.
pub async fn a_closed_queue_says_so(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    queue.ping().await.expect("the queue answers");
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let waiting = async { consumer.next().await.map(|delivery| text(&delivery)) };
    let (waited, ()) =
        within(Deadline::SHORT, "the close to be told", async { tokio::join!(waiting, queue.close()) }).await;
    assert!(matches!(waited, Err(QueueError::Closed)), "{waited:?}");
    let sent = queue.send(vec![job(&name, "late")]).await;
    assert!(matches!(sent[..], [Err(QueueError::Closed)]), "{sent:?}");
    assert!(matches!(queue.ping().await, Err(QueueError::Closed)), "ping");
    assert!(matches!(queue.consume(&name, 1).await, Err(QueueError::Closed)), "consume");
    within(Deadline::SHORT, "a second close", queue.close()).await;
}

//! How jobs are handed out and settled.

use bytes::Bytes;
use septet_contract::{Header, Record};
use septet_messaging::queue::Depth;

use super::{
    QueueFixture,
    steps::{declare, job, next, send, text},
};
use crate::eventually;

/// Headers and value survive, empty ones too, and the first attempt is number 1.
pub async fn a_job_is_delivered_as_it_was_sent(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    let mut sent = job(&name, "work");
    sent.record.headers = vec![
        Header::text("ce_type", "septet.test.v1.Work"),
        Header::text("empty", ""),
        Header { key: Bytes::from_static(b"binary"), value: Some(Bytes::from_static(b"\x00\xff\xfe")) },
    ];
    send(&*queue, vec![sent.clone()]).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let delivery = next(&mut *consumer).await;
    assert_eq!(delivery.attempt, 1);
    let got = Record { timestamp: sent.record.timestamp, ..delivery.record };
    assert_eq!(got, sent.record);
    delivery.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

/// An acknowledged job does not come back, to this process or the next.
pub async fn an_acked_job_is_gone(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, vec![job(&name, "first"), job(&name, "second")]).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let delivery = next(&mut *consumer).await;
    assert_eq!(text(&delivery), "first");
    delivery.lease.ack().await.expect("acknowledged");
    drop(consumer);
    queue.close().await;

    let queue = fixture.open().await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let delivery = next(&mut *consumer).await;
    assert_eq!(text(&delivery), "second");
    delivery.lease.ack().await.expect("acknowledged");
    eventually("an empty queue", async || {
        (queue.depth(&name).await.expect("the depth") == Depth::default()).then_some(())
    })
    .await;
    queue.close().await;
}

/// A job whose lease was dropped is delivered again, and the attempts are counted.
pub async fn a_dropped_job_comes_again(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, vec![job(&name, "again")]).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    for attempt in 1..=3 {
        let delivery = next(&mut *consumer).await;
        assert_eq!((text(&delivery).as_str(), delivery.attempt), ("again", attempt));
    }
    next(&mut *consumer).await.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

/// One consumer sees jobs first in, first out.
pub async fn jobs_come_in_the_order_in_which_they_were_sent(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    for first in [0, 10] {
        send(&*queue, (first..first + 10).map(|n| job(&name, n.to_string())).collect()).await;
    }
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    for n in 0..20 {
        let delivery = next(&mut *consumer).await;
        assert_eq!(text(&delivery), n.to_string());
        delivery.lease.ack().await.expect("acknowledged");
    }
    queue.close().await;
}

//! What a queue tells and refuses.

use std::time::Duration;

use septet_messaging::queue::{Depth, Outgoing, QueueError, QueueSettings};

use super::{
    QueueFixture,
    steps::{MAX_ATTEMPTS, declare, job, next, send, text},
};
use crate::{conformance::unique, eventually};

/// Jobs are counted by where they are.
pub async fn depth_tells_ready_delayed_and_leased(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    let delayed = Outgoing { delay: Duration::from_secs(600), ..job(&name, "delayed") };
    send(&*queue, vec![job(&name, "0"), job(&name, "1"), job(&name, "2"), delayed]).await;
    let depth = async |expected: Depth| {
        eventually(format_args!("{expected:?}"), async || {
            (queue.depth(&name).await.expect("the depth") == expected).then_some(())
        })
        .await;
    };
    depth(Depth { ready: 3, delayed: 1, leased: 0 }).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let delivery = next(&mut *consumer).await;
    depth(Depth { ready: 2, delayed: 1, leased: 1 }).await;
    delivery.lease.ack().await.expect("acknowledged");
    drop(consumer);
    depth(Depth { ready: 2, delayed: 1, leased: 0 }).await;
    queue.close().await;
}

/// Declaring a queue that exists changes nothing.
pub async fn declaring_again_keeps_the_jobs(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    send(&*queue, vec![job(&name, "kept")]).await;
    let settings = QueueSettings { name: name.clone(), max_attempts: MAX_ATTEMPTS };
    queue.declare(&[settings.clone(), settings]).await.expect("declared again");
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let delivery = next(&mut *consumer).await;
    assert_eq!(text(&delivery), "kept");
    delivery.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

/// A queue that was never declared is an error by name, alone in its call; an unacceptable name is one as well.
pub async fn unknown_queues_and_bad_names_are_refused(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let known = declare(&*queue).await;
    let unknown = unique("unknown");
    let results = queue.send(vec![job(&known, "a"), job(&unknown, "b"), job(&known, "c")]).await;
    assert!(
        matches!(&results[..], [Ok(()), Err(QueueError::UnknownQueue(name)), Ok(())] if *name == unknown),
        "{results:?}"
    );
    assert!(matches!(queue.consume(&unknown, 1).await, Err(QueueError::UnknownQueue(_))), "consume");
    assert!(matches!(queue.depth(&unknown).await, Err(QueueError::UnknownQueue(_))), "depth");
    for name in ["", "a/b", "ä", "with space", &"x".repeat(201)] {
        let settings = QueueSettings { name: name.to_owned(), max_attempts: 1 };
        let result = queue.declare(&[settings]).await;
        assert!(matches!(result, Err(QueueError::Invalid(_))), "{name:?}: {result:?}");
    }
    queue.close().await;
}

/// A job just within the limit survives; one that is twice as large is refused by its size.
pub async fn large_jobs_are_taken_up_to_the_limit(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    let limit = fixture.job_limit();
    let large: String = (0..limit - 1024).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    send(&*queue, vec![job(&name, large.clone())]).await;
    let refused = queue.send(vec![job(&name, large.repeat(2)), job(&name, "small")]).await;
    assert!(matches!(refused[..], [Err(QueueError::TooLarge { .. }), Ok(())]), "{refused:?}");
    let mut consumer = queue.consume(&name, 2).await.expect("the queue can be consumed");
    let first = next(&mut *consumer).await;
    assert!(text(&first) == large, "the large job is whole");
    let second = next(&mut *consumer).await;
    assert_eq!(text(&second), "small");
    first.lease.ack().await.expect("acknowledged");
    second.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

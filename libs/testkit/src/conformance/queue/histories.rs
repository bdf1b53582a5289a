//! Senders and workers at the same time, with workers that fail, judged by the history checker.

use std::{sync::Arc, time::Duration};

use septet_messaging::queue::{QueueError, SharedQueue};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    QueueFixture,
    steps::{declare, job, text},
};
use crate::{
    Deadline,
    history::{History, Order, Outcome},
    within,
};

const SENDERS: u64 = 3;
const JOBS: u64 = 30;

/// Whatever the workers do, each acked job takes effect once.
pub async fn the_history_of_senders_and_workers_holds(fixture: &dyn QueueFixture) {
    let queue = fixture.open().await;
    let name = declare(&*queue).await;
    let history = Arc::new(History::new());
    let stop = CancellationToken::new();
    let workers: Vec<_> = (0..3)
        .map(|worker| tokio::spawn(work(queue.clone(), name.clone(), worker, stop.clone(), history.clone())))
        .collect();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send_all(queue.clone(), name.clone(), sender, history.clone())))
        .collect();
    for sender in senders {
        sender.await.expect("the sender ends");
    }
    within(Deadline::LONG, "every acked job to take effect", async {
        while !history.settled() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    stop.cancel();
    for worker in workers {
        within(Deadline::LONG, "the worker to end", worker).await.expect("the worker does not panic");
    }
    let summary = history.check(Order::Any).expect("the promises are kept");
    assert_eq!(summary.acked as u64, SENDERS * JOBS, "{summary:?}");
    queue.close().await;
}

async fn send_all(queue: SharedQueue, name: String, sender: u64, history: Arc<History>) {
    for n in 0..JOBS {
        let id = format!("{sender}-{n}");
        history.intend(&id, "any", n);
        let results = queue.send(vec![job(&name, id.clone())]).await;
        results
            .into_iter()
            .for_each(|result| result.unwrap_or_else(|error| panic!("{id} is not sent: {error}")));
        history.outcome(&id, Outcome::Acked);
    }
}

/// Fails the first attempts of some jobs, before and after their effect; comes back as a new consumer now and then.
async fn work(
    queue: SharedQueue,
    name: String,
    worker: usize,
    stop: CancellationToken,
    history: Arc<History>,
) {
    let mut taken = worker;
    while !stop.is_cancelled() {
        let mut consumer = queue.consume(&name, 3).await.expect("the queue can be consumed");
        for _ in 0..20 {
            let delivery = tokio::select! {
                () = stop.cancelled() => return,
                delivery = consumer.next() => delivery,
            };
            let delivery = match delivery {
                Ok(delivery) => delivery,
                Err(error) if error.is_transient() => continue,
                Err(error) => panic!("the consumer ended: {error}"),
            };
            taken += 1;
            match (delivery.attempt, taken % 5) {
                (1, 0) => continue,
                (1, 1) => settled(delivery.lease.retry(Duration::ZERO).await),
                (1, 2) => drop(history.effect_once(&text(&delivery))),
                _ => {
                    history.effect_once(&text(&delivery));
                    settled(delivery.lease.ack().await);
                }
            }
        }
    }
}

/// A lease may have been lost; then the job comes again.
fn settled(result: Result<(), QueueError>) {
    match result {
        Ok(()) | Err(QueueError::Closed) => {}
        Err(error) => assert!(error.is_transient(), "{error}"),
    }
}

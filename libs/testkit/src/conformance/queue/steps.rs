//! Steps that the queue's cases share.

use std::time::Duration;

use bytes::Bytes;
use septet_contract::Record;
use septet_messaging::queue::{Consumer, Delivery, Outgoing, Queue, QueueSettings};

use crate::{Deadline, conformance::unique, within};

/// Deliveries that a worker gives a job in these cases.
pub const MAX_ATTEMPTS: u32 = 5;

/// Declares a queue of its own for a case, and gives its name.
pub async fn declare(queue: &dyn Queue) -> String {
    let name = unique("queue");
    let settings = QueueSettings { name: name.clone(), max_attempts: MAX_ATTEMPTS };
    queue.declare(&[settings]).await.expect("the queue is declared");
    name
}

/// A job with a text value.
pub fn job(queue: &str, value: impl Into<String>) -> Outgoing {
    Outgoing {
        queue: queue.to_owned(),
        record: Record { value: Some(Bytes::from(value.into())), ..Record::default() },
        delay: Duration::ZERO,
    }
}

/// Sends jobs, all of which must succeed.
pub async fn send(queue: &dyn Queue, jobs: Vec<Outgoing>) {
    let count = jobs.len();
    let results = within(Deadline::SHORT, "send", queue.send(jobs)).await;
    assert_eq!(results.len(), count, "one result for each job");
    for result in results {
        result.expect("the job is sent");
    }
}

/// The next delivery; transient errors are tried again.
pub async fn next(consumer: &mut dyn Consumer) -> Delivery {
    within(Deadline::LONG, "a delivery", async {
        loop {
            match consumer.next().await {
                Ok(delivery) => return delivery,
                Err(error) if error.is_transient() => {}
                Err(error) => panic!("the consumer ended: {error}"),
            }
        }
    })
    .await
}

/// The value as text.
pub fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.record.value.clone().expect("a value").to_vec()).expect("text")
}

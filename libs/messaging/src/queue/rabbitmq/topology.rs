//! The queues in RabbitMQ that make up one queue.

use std::{collections::BTreeMap, time::Duration};

use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

use super::{
    super::{QueueError, QueueSettings},
    delay,
    link::{Link, failed},
};

/// What the queue for jobs that RabbitMQ gave up has at the end of its name.
const DEAD: &str = ".dead";
/// Deliveries of one message before RabbitMQ gives it up. Far beyond what workers count to, and the same for all of
/// them, as a queue cannot change it.
const DELIVERY_LIMIT: i64 = 1000;

/// Checks a queue's name and its number of attempts.
pub(super) fn check(queue: &QueueSettings) -> Result<(), QueueError> {
    let name = &queue.name;
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 200 || !name.bytes().all(is_legal) {
        return Err(QueueError::Invalid(format!(
            "{name:?} is not a queue name: use letters, digits, '.', '_' and '-', at most 200 characters"
        )));
    }
    if name.ends_with(DEAD) || name.contains(delay::INFIX) || name.starts_with("amq.") {
        return Err(QueueError::Invalid(format!(
            "queue name {name}: names with {DEAD} at the end, {} in them or amq. at the beginning are taken",
            delay::INFIX
        )));
    }
    // Each attempt after a retry is a message of its own.
    if queue.max_attempts == 0 || i64::from(queue.max_attempts) > DELIVERY_LIMIT / 2 {
        return Err(QueueError::Invalid(format!(
            "queue {name}: {} attempts; choose from 1 to {}",
            queue.max_attempts,
            DELIVERY_LIMIT / 2
        )));
    }
    Ok(())
}

/// Creates the queue, its delay queues and the one for jobs that RabbitMQ gave up.
pub(super) async fn declare(link: &Link, queue: &str) -> Result<(), QueueError> {
    let channel = link.channel().await?;
    let dead = format!("{queue}{DEAD}");
    declare_one(link, &channel, &dead, arguments([])).await?;
    let limit = ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT));
    declare_one(link, &channel, queue, arguments(leading_to(&dead).into_iter().chain([limit]))).await?;
    for step in delay::STEPS {
        let lifetime = ("x-message-ttl", AMQPValue::LongLongInt(millis(step)));
        let arguments = arguments(leading_to(queue).into_iter().chain([lifetime]));
        declare_one(link, &channel, &delay::queue_name(queue, step), arguments).await?;
    }
    Ok(())
}

/// What leaves the queue goes to another one, and is removed only when it has arrived.
fn leading_to(queue: &str) -> [(&'static str, AMQPValue); 4] {
    [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(queue)),
        ("x-dead-letter-strategy", text("at-least-once")),
        // Which that strategy asks for.
        ("x-overflow", text("reject-publish")),
    ]
}

fn arguments(more: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> FieldTable {
    let quorum = ("x-queue-type", text("quorum"));
    let all: BTreeMap<ShortString, AMQPValue> =
        more.into_iter().chain([quorum]).map(|(name, value)| (ShortString::from(name), value)).collect();
    FieldTable::from(all)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value.as_bytes().to_vec()))
}

/// The steps are hours at most.
fn millis(step: Duration) -> i64 {
    i64::try_from(step.as_millis()).unwrap_or(i64::MAX)
}

async fn declare_one(
    link: &Link,
    channel: &Channel,
    name: &str,
    arguments: FieldTable,
) -> Result<(), QueueError> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.into(), options, arguments);
    link.in_time(declared).await?.map(drop).map_err(|error| failed(&error, name))
}

/// Jobs in the queue that wait for a consumer, and in its delay queues.
pub(super) async fn depth(link: &Link, queue: &str) -> Result<(u64, u64), QueueError> {
    let channel = link.channel().await?;
    let ready = count(link, &channel, queue, queue).await?;
    let mut delayed = 0;
    for step in delay::STEPS {
        delayed += count(link, &channel, &delay::queue_name(queue, step), queue).await?;
    }
    Ok((ready, delayed))
}

async fn count(link: &Link, channel: &Channel, name: &str, queue: &str) -> Result<u64, QueueError> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.into(), options, FieldTable::default());
    let state = link.in_time(declared).await?.map_err(|error| failed(&error, queue))?;
    Ok(state.message_count().into())
}

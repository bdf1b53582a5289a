//! What waits to be handled.

use std::sync::Arc;

use rdkafka::{
    ClientContext,
    config::FromClientConfigAndContext as _,
    producer::{DeliveryResult, ProducerContext},
};
use septet_contract::{Cause, Envelope, Event, Record, Timestamp, cloudevents};
use septet_messaging::log::{SharedLog, TopicSettings};
use septet_proto_devops::v1::{Change, ChangePushed};
use septet_proto_review::v1::{Review, ReviewCompleted};

use super::{
    client::{self, Producer},
    servers::{Servers, ranges},
};

/// Topic that the bare loop produces to.
pub const BARE_TOPIC: &str = "bench.bare";
/// Partitions of every topic: the contracts' default.
pub const PARTITIONS: u32 = 12;

/// Records that no one has read yet.
pub struct Backlog {
    /// First offset of each partition.
    pub from: Vec<i64>,
    pub events: usize,
}

/// Creates what topics are missing.
pub async fn apply_topics(log: &SharedLog) -> anyhow::Result<()> {
    let topic = |name: &str, partitions| TopicSettings {
        name: name.to_owned(),
        partitions,
        retention: std::time::Duration::from_secs(24 * 3_600),
        retention_bytes: None,
    };
    let topics = [
        topic(ChangePushed::TOPIC, PARTITIONS),
        topic(ReviewCompleted::TOPIC, PARTITIONS),
        topic(BARE_TOPIC, PARTITIONS),
        topic("review.dlq", 1),
        topic("review.redrive", 1),
    ];
    log.apply_topics(&topics).await?;
    Ok(())
}

/// Appends so many events.
pub async fn load(servers: &Servers, events: usize) -> anyhow::Result<Backlog> {
    let log: SharedLog = Arc::new(servers.log()?);
    apply_topics(&log).await?;
    let from = ranges(&log, ChangePushed::TOPIC).await?.iter().map(|range| range.end).collect();
    log.close().await;
    let producer = Producer::from_config_and_context(&client::producer_config(servers), Unobserved)?;
    for _ in 0..events {
        client::send(&producer, ChangePushed::TOPIC, &record(), 0)?;
    }
    client::flush(&producer)?;
    Ok(Backlog { from, events })
}

/// One event, of a key and id that no other has.
pub fn record() -> Record {
    let id = uuid::Uuid::now_v7().to_string();
    let change = Change { id: id.clone(), subject: "a change".to_owned(), ..Change::default() };
    let event = ChangePushed { change_id: id, change: Some(change), ..ChangePushed::default() };
    cloudevents::to_record(&Envelope::of_event(&event, "/bench", Timestamp::now(), &Cause::default()))
}

/// What the handler publishes about it.
pub fn answer(change_id: &str) -> ReviewCompleted {
    let review = Review {
        id: change_id.to_owned(),
        change_id: change_id.to_owned(),
        repository_name: "shop".to_owned(),
        reason: "no findings".to_owned(),
        ..Review::default()
    };
    ReviewCompleted {
        change_id: change_id.to_owned(),
        review: Some(review),
        findings: Vec::new(),
        findings_total: 0,
    }
}

/// Nobody asks where the records went.
struct Unobserved;

impl ClientContext for Unobserved {}

impl ProducerContext for Unobserved {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, _: &DeliveryResult<'_>, _: Self::DeliveryOpaque) {}
}

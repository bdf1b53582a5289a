//! What librdkafka does without a database.

use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::{
    ClientContext, Message as _,
    config::FromClientConfigAndContext as _,
    consumer::{CommitMode, Consumer as _},
    message::Headers as _,
    producer::{DeliveryResult, ProducerContext},
};
use septet_contract::{Event as _, Header, Record};
use septet_proto_devops::v1::ChangePushed;

use super::{
    backlog::{BARE_TOPIC, Backlog},
    client::{self, Producer},
    servers::Servers,
};

/// Reads the backlog and produces each record to another topic; the clock starts with the first record, as Septet's does, and
/// stops once the broker has confirmed all.
pub fn consume_produce(servers: &Servers, backlog: &Backlog) -> anyhow::Result<Duration> {
    let consumer = client::consumer(servers, ChangePushed::TOPIC, &backlog.from)?;
    let producer = Producer::from_config_and_context(&client::producer_config(servers), Unobserved)?;
    let mut began = None;
    let mut done = 0;
    let limit = Instant::now() + Duration::from_secs(120);
    while done < backlog.events {
        ensure!(Instant::now() < limit, "the backlog was not read within two minutes");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        began.get_or_insert_with(Instant::now);
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            let header = |index| {
                let header = headers.get(index);
                Header {
                    key: header.key.to_owned().into(),
                    value: header.value.map(|value| value.to_vec().into()),
                }
            };
            (0..headers.count()).map(header).collect()
        });
        let record = Record {
            key: message.key().map(|key| key.to_vec().into()),
            headers,
            value: message.payload().map(|value| value.to_vec().into()),
            ..Record::default()
        };
        client::send(&producer, BARE_TOPIC, &record, 0)?;
        done += 1;
        if done % 4_096 == 0 {
            consumer.commit_message(&message, CommitMode::Async)?;
        }
    }
    client::flush(&producer)?;
    Ok(began.map(|began| began.elapsed()).unwrap_or_default())
}

struct Unobserved;

impl ClientContext for Unobserved {}

impl ProducerContext for Unobserved {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, _: &DeliveryResult<'_>, _: Self::DeliveryOpaque) {}
}

//! How long it takes until a produced record has had its effect.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::ensure;
use rdkafka::{
    ClientContext, Message as _,
    config::FromClientConfigAndContext as _,
    producer::{DeliveryResult, ProducerContext},
};
use septet_contract::{Event as _, Record};
use septet_messaging::log::{Log as _, SharedLog};
use septet_proto_devops::v1::ChangePushed;

use super::{
    backlog,
    client::{self, Producer},
    servers::{Servers, ranges},
    service::{Running, Writes},
    watched::WatchedLog,
};
use crate::bus::sampling::Quantiles;

/// Records are sent in ticks of this length, which adds at most as much to what is measured of neither side.
const TICK: Duration = Duration::from_millis(1);
/// What comes first is not counted: connections, plans and caches are made.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long the last records may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A record's place in the log and when it was handed to the producer.
type Sent = HashMap<(i32, i64), Instant>;

/// From the producer's `send` to the commit of the handler's transaction.
pub async fn to_effect(servers: &Servers, rate: f64, lasting: Duration) -> anyhow::Result<Quantiles> {
    let inner: SharedLog = Arc::new(servers.log()?);
    backlog::apply_topics(&inner).await?;
    let log = Arc::new(WatchedLog::new(inner, ChangePushed::TOPIC));
    let running = Running::start(servers, log.clone(), Writes::Together).await?;
    let limit = Instant::now() + PATIENCE;
    while log.assigned() < backlog::PARTITIONS as usize {
        ensure!(Instant::now() < limit, "the group did not get its partitions");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let sent = produce(servers, rate, lasting).await?;
    running.finished(sent.all).await?;
    running.end().await?;
    let mut done = log.done();
    log.close().await;
    done.sort_unstable_by_key(|(partition, next, _)| (*partition, *next));
    let times = sent.counted.iter().filter_map(|((partition, offset), began)| {
        // The first position after the record's own offset.
        let index = done.partition_point(|(p, next, _)| (*p, *next) <= (*partition, *offset));
        let (p, _, at) = done.get(index)?;
        (p == partition).then(|| at.duration_since(*began))
    });
    let times: Vec<Duration> = times.collect();
    ensure!(times.len() == sent.counted.len(), "{} of {} records were done", times.len(), sent.counted.len());
    Ok(Quantiles::of(times))
}

/// From the producer's `send` to the consumer's `poll`.
pub async fn bare(servers: &Servers, rate: f64, lasting: Duration) -> anyhow::Result<Quantiles> {
    let log: SharedLog = Arc::new(servers.log()?);
    let ends: Vec<i64> = ranges(&log, ChangePushed::TOPIC).await?.iter().map(|range| range.end).collect();
    log.close().await;
    let consumer = client::consumer(servers, ChangePushed::TOPIC, &ends)?;
    let (finish, finished) = std::sync::mpsc::channel::<usize>();
    let reading = tokio::task::spawn_blocking(move || {
        let mut received = HashMap::new();
        let (mut expected, mut limit) = (usize::MAX, None);
        while received.len() < expected && limit.is_none_or(|limit| Instant::now() < limit) {
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(10)) {
                received.insert((message.partition(), message.offset()), Instant::now());
            }
            if let Ok(all) = finished.try_recv() {
                (expected, limit) = (all, Some(Instant::now() + PATIENCE));
            }
        }
        received
    });
    let sent = produce(servers, rate, lasting).await?;
    finish.send(sent.all)?;
    let received = reading.await?;
    let times: Vec<Duration> = sent
        .counted
        .iter()
        .filter_map(|(at, began)| Some(received.get(at)?.duration_since(*began)))
        .collect();
    ensure!(times.len() == sent.counted.len(), "{} of {} records came", times.len(), sent.counted.len());
    Ok(Quantiles::of(times))
}

struct Production {
    all: usize,
    /// Without those of the warm-up.
    counted: Sent,
}

/// Sends records at an even rate.
async fn produce(servers: &Servers, rate: f64, lasting: Duration) -> anyhow::Result<Production> {
    let config = client::producer_config(servers);
    let production = tokio::task::spawn_blocking(move || {
        let places = Places::default();
        let producer = Producer::from_config_and_context(&config, places.clone())?;
        let all = (rate * (lasting + WARM_UP).as_secs_f64()) as usize;
        let records: Vec<Record> = (0..all).map(|_| backlog::record()).collect();
        let mut times = Vec::with_capacity(all);
        let began = Instant::now();
        while times.len() < all {
            let due = ((began.elapsed().as_secs_f64() * rate) as usize).min(all);
            while times.len() < due {
                times.push(Instant::now());
                client::send(&producer, ChangePushed::TOPIC, &records[times.len() - 1], times.len() - 1)?;
            }
            std::thread::park_timeout(TICK);
        }
        client::flush(&producer)?;
        let places = std::mem::take(&mut *places.0.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(places.len() == all, "{} of {all} records were confirmed", places.len());
        let from = began + WARM_UP;
        let timed = places.into_iter().map(|(index, place)| (place, times[index]));
        Ok(Production { all, counted: timed.filter(|(_, at)| *at >= from).collect() })
    });
    production.await?
}

/// A record's number, and its partition and offset.
type Place = (usize, (i32, i64));

/// Where the broker put the records.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<Vec<Place>>>);

impl ClientContext for Places {}

impl ProducerContext for Places {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Self::DeliveryOpaque) {
        if let Ok(message) = result {
            let place = (message.partition(), message.offset());
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((*number, place));
        }
    }
}

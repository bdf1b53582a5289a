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
    watched::{Done, WatchedLog},
};
use crate::bus::sampling::Quantiles;

/// Records are sent in ticks of this length, which adds at most as much to what is measured of neither side.
const TICK: Duration = Duration::from_millis(1);
/// What comes first is not counted: connections, plans and caches are made.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long the last records may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// As fast as the producer takes them.
const AT_ONCE: f64 = f64::INFINITY;
/// Records that a service handles before it is measured: some for each partition.
const FIRST: usize = 1_200;

/// A record's place in the log and when it was handed to the producer.
type Sent = ((i32, i64), Instant);

/// A service that has its partitions and has handled a first record of each.
struct Warm {
    log: Arc<WatchedLog>,
    running: Running,
    handled: usize,
}

impl Warm {
    async fn start(servers: &Servers) -> anyhow::Result<Self> {
        let inner: SharedLog = Arc::new(servers.log()?);
        backlog::apply_topics(&inner).await?;
        let log = Arc::new(WatchedLog::new(inner, ChangePushed::TOPIC));
        let running = Running::start(servers, log.clone(), Writes::Together).await?;
        let limit = Instant::now() + PATIENCE;
        while log.assigned() < backlog::PARTITIONS as usize {
            ensure!(Instant::now() < limit, "the group did not get its partitions");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut warm = Self { log, running, handled: 0 };
        warm.handle(servers, FIRST, AT_ONCE).await?;
        Ok(warm)
    }

    /// Produces so many records at that rate, and waits until they had their effects.
    async fn handle(&mut self, servers: &Servers, events: usize, rate: f64) -> anyhow::Result<Vec<Sent>> {
        let sent = produce(servers, events, rate).await?;
        self.handled += events;
        self.running.finished(self.handled).await?;
        Ok(sent)
    }

    async fn end(self) -> anyhow::Result<Vec<Done>> {
        self.running.end().await?;
        let mut done = self.log.done();
        self.log.close().await;
        done.sort_unstable_by_key(|(partition, next, _)| (*partition, *next));
        Ok(done)
    }
}

/// Events a second when they are produced on the same machine at the same time: no more than that is full load here.
pub async fn full_load(servers: &Servers, events: usize) -> anyhow::Result<f64> {
    let mut warm = Warm::start(servers).await?;
    let began = Instant::now();
    warm.handle(servers, events, AT_ONCE).await?;
    let took = began.elapsed();
    warm.end().await?;
    Ok(crate::bus::sampling::rate(events, took))
}

/// From the producer's `send` to the commit of the handler's transaction.
pub async fn to_effect(servers: &Servers, rate: f64, lasting: Duration) -> anyhow::Result<Quantiles> {
    let mut warm = Warm::start(servers).await?;
    let sent = warm.handle(servers, events_of(rate, lasting), rate).await?;
    let done = warm.end().await?;
    let counted = counted(sent);
    let times = counted.iter().filter_map(|((partition, offset), began)| {
        // The first position after the record's own offset.
        let index = done.partition_point(|(p, next, _)| (*p, *next) <= (*partition, *offset));
        let (p, _, at) = done.get(index)?;
        (p == partition).then(|| at.duration_since(*began))
    });
    let times: Vec<Duration> = times.collect();
    ensure!(times.len() == counted.len(), "{} of {} records were done", times.len(), counted.len());
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
    let sent = produce(servers, events_of(rate, lasting), rate).await?;
    finish.send(sent.len())?;
    let received = reading.await?;
    let counted = counted(sent);
    let times = counted.iter().filter_map(|(at, began)| Some(received.get(at)?.duration_since(*began)));
    let times: Vec<Duration> = times.collect();
    ensure!(times.len() == counted.len(), "{} of {} records came", times.len(), counted.len());
    Ok(Quantiles::of(times))
}

fn events_of(rate: f64, lasting: Duration) -> usize {
    (rate * (lasting + WARM_UP).as_secs_f64()) as usize
}

/// Without those of the warm-up.
fn counted(mut sent: Vec<Sent>) -> Vec<Sent> {
    let began = sent.iter().map(|(_, at)| *at).min();
    sent.retain(|(_, at)| began.is_some_and(|began| *at >= began + WARM_UP));
    sent
}

/// Sends records at an even rate.
async fn produce(servers: &Servers, events: usize, rate: f64) -> anyhow::Result<Vec<Sent>> {
    let config = client::producer_config(servers);
    let production = tokio::task::spawn_blocking(move || {
        let places = Places::default();
        let producer = Producer::from_config_and_context(&config, places.clone())?;
        let records: Vec<Record> = (0..events).map(|_| backlog::record()).collect();
        let mut times = Vec::with_capacity(events);
        let began = Instant::now();
        while times.len() < events {
            let due = ((began.elapsed().as_secs_f64() * rate) as usize).min(events);
            while times.len() < due {
                times.push(Instant::now());
                client::send(&producer, ChangePushed::TOPIC, &records[times.len() - 1], times.len() - 1)?;
            }
            std::thread::park_timeout(TICK);
        }
        client::flush(&producer)?;
        let places = std::mem::take(&mut *places.0.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(places.len() == events, "{} of {events} records were confirmed", places.len());
        Ok(places.into_iter().map(|(index, place)| (place, times[index])).collect())
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

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use septet_contract::{Catalog, Event};
use septet_messaging::{
    Column, Cx, Dispatcher, Handle, HandleError, Handlers, Relay, Settings, Units, Write,
    log::{
        SharedLog, TopicSettings,
        embedded::{EmbeddedLog, EmbeddedOptions},
    },
};
use septet_proto_devops::v1::{Change, ChangePushed};
use septet_store::{Leases, Store, StoreConfig, on_engine};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{BATCH, EVENTS};

static STATE: Write =
    Write::new("INSERT INTO state (key, data) SELECT key, data FROM {rows} AS given", COLUMNS);
static EFFECT: Write =
    Write::new("INSERT INTO effect (key, data) SELECT key, data FROM {rows} AS given", COLUMNS);
const COLUMNS: &[(&str, Column)] = &[("key", Column::Text), ("data", Column::Blob)];

/// The consuming service: one effect row for each event.
struct Sink {
    handled: AtomicUsize,
    all: Notify,
}

impl Handle<ChangePushed> for Sink {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        cx.write(&EFFECT, [event.change_id.into(), vec![7_u8; 256].into()]).await?;
        if self.handled.fetch_add(1, Ordering::Relaxed) + 1 >= EVENTS {
            self.all.notify_one();
        }
        Ok(())
    }
}

/// Publishes every event and waits until each has had its effect; tells how long it took.
pub async fn measure() -> anyhow::Result<Duration> {
    let dir = tempfile::tempdir()?;
    let options = EmbeddedOptions { sole_owner: true, ..EmbeddedOptions::default() };
    let log: SharedLog = EmbeddedLog::open(dir.path(), options).await?;
    let topic = |name: &str| TopicSettings {
        name: name.to_owned(),
        partitions: 12,
        retention: Duration::from_secs(3_600),
        retention_bytes: None,
    };
    log.apply_topics(&[topic(ChangePushed::TOPIC), topic("review.dlq"), topic("review.redrive")]).await?;
    let publisher =
        units(&dir, "devops", "CREATE TABLE state (key TEXT PRIMARY KEY, data BLOB NOT NULL)").await?;
    let consumer = units(
        &dir,
        "review",
        "CREATE TABLE effect (id INTEGER PRIMARY KEY, key TEXT NOT NULL, data BLOB NOT NULL)",
    )
    .await?;
    let sink = Arc::new(Sink { handled: AtomicUsize::new(0), all: Notify::new() });
    let mut handlers = Handlers::default();
    handlers.on::<ChangePushed, _>(Arc::clone(&sink));
    let catalog = Catalog::new([&septet_proto_devops::CONTRACT]);
    let stop = CancellationToken::new();
    let dispatcher = Dispatcher::new(consumer.clone(), Arc::clone(&log), catalog, Arc::new(handlers));
    let dispatching = tokio::spawn(dispatcher.run(stop.clone()));
    let leases = Leases::new(publisher.store().clone(), "bench".to_owned(), Duration::from_secs(8));
    let relaying = tokio::spawn(Relay::events(publisher.clone(), leases, Arc::clone(&log)).run(stop.clone()));

    let began = Instant::now();
    for batch in (0..EVENTS).collect::<Vec<_>>().chunks(BATCH) {
        let mut cx = publisher.begin(Default::default());
        for number in batch {
            let id = format!("{number:036}");
            cx.write(&STATE, [id.as_str().into(), vec![7_u8; 256].into()]).await?;
            let change = Change { id: id.clone(), subject: "a change".to_owned(), ..Change::default() };
            cx.publish(&ChangePushed { change_id: id, change: Some(change), ..ChangePushed::default() })?;
        }
        cx.commit().await?;
    }
    tokio::time::timeout(Duration::from_secs(300), sink.all.notified()).await?;
    stop.cancel();
    // Its last transaction is committed once it has ended.
    dispatching.await??;
    let took = began.elapsed();
    relaying.await?;

    let mut tx = consumer.read().await?;
    let (effects,): (i64,) = on_engine!(&mut tx, conn =>
        sqlx::query_as("SELECT COUNT(DISTINCT key) FROM effect").fetch_one(conn).await)?;
    drop(tx);
    ensure!(effects == EVENTS as i64, "{effects} effects of {EVENTS} events");
    log.close().await;
    publisher.store().close().await;
    consumer.store().close().await;
    Ok(took)
}

async fn units(dir: &tempfile::TempDir, service: &str, table: &'static str) -> anyhow::Result<Units> {
    let path = dir.path().join(format!("{service}.db"));
    let store = Store::open_sqlite(&path, &StoreConfig::default()).await?;
    store.migrate(&septet_messaging::migrations()).await?;
    let mut tx = store.begin().await?;
    on_engine!(&mut tx, conn => sqlx::query(table).execute(conn).await.map(drop))?;
    tx.commit().await?;
    Ok(Units::new(store, service, Settings::default()))
}

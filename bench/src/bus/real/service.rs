//! A service of one handler on Kafka and PostgreSQL.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use septet_contract::{Catalog, Event as _};
use septet_messaging::{
    Column, Cx, Dispatcher, Handle, HandleError, Handlers, Relay, Settings, Units, Write, log::SharedLog,
};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::ReviewCompleted;
use septet_store::{Leases, Store, StoreConfig, on_engine};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    backlog::{self, Backlog},
    cpu::{Part, Spent},
    servers::{Servers, ranges},
};

/// The handler's own table.
pub const STATE: &str =
    "CREATE TABLE state (key TEXT PRIMARY KEY, data BYTEA NOT NULL, changed_at BIGINT NOT NULL)";
/// Bytes of its `data`.
pub const DATA: usize = 256;

static KEEP: Write = Write::new(
    "INSERT INTO state (key, data, changed_at) SELECT key, data, changed_at FROM {rows} AS given WHERE true
     ON CONFLICT (key) DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at",
    &[("key", Column::Text), ("data", Column::Blob), ("changed_at", Column::Integer)],
);

/// How the handler writes its row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// By a statement that the events of a transaction share: `Cx::write`.
    Together,
    /// By a statement of its own.
    OneByOne,
}

/// One row and one event for each event.
pub struct Sink {
    writes: Writes,
    handled: AtomicUsize,
    began: OnceLock<Instant>,
}

impl Handle<ChangePushed> for Sink {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        self.began.get_or_init(Instant::now);
        let (data, now) = (vec![7_u8; DATA], cx.now().micros());
        match self.writes {
            Writes::Together => {
                cx.write(&KEEP, [event.change_id.as_str().into(), data.into(), now.into()]).await?;
            }
            Writes::OneByOne => on_engine!(cx.tx().await?, conn => sqlx::query(
                "INSERT INTO state (key, data, changed_at) VALUES ($1, $2, $3)
                 ON CONFLICT (key) DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at",
            )
            .bind(&event.change_id).bind(data).bind(now).execute(conn).await.map(drop))?,
        }
        cx.publish(&backlog::answer(&event.change_id))?;
        self.handled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The service while it runs.
pub struct Running {
    pub units: Units,
    pub sink: Arc<Sink>,
    stop: CancellationToken,
    dispatching: JoinHandle<Result<(), septet_messaging::DispatchError>>,
    relaying: JoinHandle<()>,
}

impl Running {
    /// Starts it on an empty database, with its log behind whatever `log` puts around it.
    pub async fn start(servers: &Servers, log: SharedLog, writes: Writes) -> anyhow::Result<Self> {
        let url = servers.database("septet_bench").await?;
        let config = StoreConfig { url: Some(url), ..StoreConfig::default() };
        let store = Store::open(&config, std::path::Path::new("unused")).await?;
        store.migrate(&septet_messaging::migrations()).await?;
        let mut tx = store.begin().await?;
        on_engine!(&mut tx, conn => sqlx::query(STATE).execute(conn).await.map(drop))?;
        tx.commit().await?;
        let units = Units::new(store.clone(), "review", Settings::default());
        let sink = Arc::new(Sink { writes, handled: AtomicUsize::new(0), began: OnceLock::new() });
        let mut handlers = Handlers::default();
        handlers.on::<ChangePushed, _>(Arc::clone(&sink));
        let catalog = Catalog::new([&septet_proto_devops::CONTRACT, &septet_proto_review::CONTRACT]);
        let stop = CancellationToken::new();
        let dispatcher = Dispatcher::new(units.clone(), Arc::clone(&log), catalog, Arc::new(handlers));
        let dispatching = tokio::spawn(dispatcher.run(stop.clone()));
        let leases = Leases::new(store, "bench".to_owned(), Duration::from_secs(8));
        let relaying = tokio::spawn(Relay::events(units.clone(), leases, log).run(stop.clone()));
        Ok(Self { units, sink, stop, dispatching, relaying })
    }

    /// Waits until so many events had their effects and all is sent.
    pub async fn finished(&self, events: usize) -> anyhow::Result<()> {
        let limit = Instant::now() + Duration::from_secs(300);
        loop {
            ensure!(Instant::now() < limit, "{} of {events} events within five minutes", self.handled());
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.handled() >= events
                && self.units.pending().await?.rows == 0
                && self.effects().await? >= events
            {
                return Ok(());
            }
        }
    }

    fn handled(&self) -> usize {
        self.sink.handled.load(Ordering::Relaxed)
    }

    async fn effects(&self) -> anyhow::Result<usize> {
        let mut tx = self.units.read().await?;
        let (rows,): (i64,) =
            on_engine!(&mut tx, conn => sqlx::query_as("SELECT COUNT(*) FROM state").fetch_one(conn).await)?;
        Ok(usize::try_from(rows)?)
    }

    /// Ends it in order.
    pub async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.dispatching.await??;
        self.relaying.await?;
        self.units.store().close().await;
        Ok(())
    }
}

/// What a backlog took.
pub struct Measured {
    pub took: Duration,
    pub spent: Spent,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} s", self.took.as_secs_f64())?;
        Part::ALL.iter().try_for_each(|part| write!(f, ", {part:?} {:.1} s", self.spent.micros(*part) / 1e6))
    }
}

/// Handles the backlog; the clock starts with the first event and stops when the last outgoing event is confirmed and
/// deleted.
pub async fn drain_backlog(servers: &Servers, backlog: &Backlog, writes: Writes) -> anyhow::Result<Measured> {
    let log: SharedLog = Arc::new(servers.log()?);
    let sum =
        |ranges: Vec<septet_messaging::log::KeptRange>| ranges.iter().map(|range| range.end).sum::<i64>();
    let published = sum(ranges(&log, ReviewCompleted::TOPIC).await?);
    let parts = Part::find(servers).await?;
    let before = Spent::now(&parts)?;
    let running = Running::start(servers, Arc::clone(&log), writes).await?;
    running.finished(backlog.events).await?;
    let took = running.sink.began.get().map(Instant::elapsed).unwrap_or_default();
    let spent = Spent::now(&parts)?.since(&before);
    let sent = sum(ranges(&log, ReviewCompleted::TOPIC).await?) - published;
    ensure!(sent >= backlog.events as i64, "{sent} events published of {}", backlog.events);
    running.end().await?;
    log.close().await;
    Ok(Measured { took, spent })
}

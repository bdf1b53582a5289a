use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use septet_contract::{Catalog, Contract};
use septet_messaging::{
    Dispatcher, Handlers, Relay, Units, Worker,
    log::SharedLog,
    queue::{Queue, QueueSettings, SharedQueue},
};
use septet_store::Leases;
use septet_telemetry::{grpc::KnownMethods, metrics::Prometheus};
use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;

use crate::{
    Channel, Service,
    admin::{self, Admin},
    auth::{ADMIN, Auth, Identity},
    backends,
    client::Channels,
    config::{ConfigError, LogBackend, ProcessConfig, QueueBackend, Source},
    data_dir::DataDir,
    grpc::{self, Bounds, Calls, Health, Stack},
    local::LocalServer,
    service::{AnyService, Boot, Made, open_store},
};

/// How long a process that stopped renewing keeps the relay's lease.
const LEASE: Duration = Duration::from_secs(8);
/// How long to wait before the queues are declared again.
const DECLARE_AGAIN: Duration = Duration::from_secs(1);
/// How often old rows are removed.
const HOUSEKEEPING: Duration = Duration::from_secs(3_600);
/// What the drain leaves for sending what waits in the outboxes, a quarter of it at most.
const SEND: Duration = Duration::from_secs(5);
/// What the drain leaves for closing the backends, a quarter of it at most.
const CLOSE: Duration = Duration::from_secs(3);

/// The services that make up a process.
pub struct Process {
    name: &'static str,
    services: Vec<Box<dyn AnyService>>,
    defaults: ProcessConfig,
}

/// How a process is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Listens, handles, works, relays. Migrates where the store is a file of its own.
    Serve,
    /// Nothing but calls from inside the process: for commands where no server runs.
    Local,
}

/// A service as it runs.
pub(crate) struct Running {
    pub contract: &'static Contract,
    pub units: Units,
    pub handlers: Arc<Handlers>,
}

/// A process that has started.
pub struct Started {
    pub(crate) shared: Arc<Shared>,
    config: ProcessConfig,
    health: Health,
    /// Ends the loops that take work in.
    intake: CancellationToken,
    /// Ends the relays, once nothing is taken in any more.
    relays: CancellationToken,
    intake_tasks: JoinSet<(String, anyhow::Result<()>)>,
    relay_tasks: JoinSet<()>,
    channels: Channels,
    _data_dir: Option<DataDir>,
}

/// What everything in a process shares.
pub(crate) struct Shared {
    pub services: Vec<Running>,
    pub catalog: Catalog,
    pub log: SharedLog,
    pub queue: SharedQueue,
    pub source: Source,
    pub prometheus: Prometheus,
}

impl Process {
    /// A process of one service or several. The name gives the prefix of its environment variables.
    pub fn new(name: &'static str, defaults: ProcessConfig) -> Self {
        Self { name, services: Vec::new(), defaults }
    }

    /// Adds a service.
    #[must_use]
    pub fn with<S: Send + Sync + 'static>(mut self, service: Service<S>) -> Self {
        self.services.push(Box::new(service));
        self
    }

    /// Name of the process.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Names of its services.
    pub fn services(&self) -> Vec<&'static str> {
        self.services.iter().map(|service| service.contract().service).collect()
    }

    /// The contracts of its services and of those whose events they handle.
    pub fn catalog(&self) -> Catalog {
        let common = std::iter::once(&septet_proto_common::CONTRACT);
        Catalog::new(common.chain(self.services.iter().flat_map(|service| service.contracts())))
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read or is not TOML.
    pub fn source(&self, file: Option<&std::path::Path>) -> Result<Source, ConfigError> {
        let source = Source::read(self.name, &self.defaults, file)?;
        Ok(self.services.iter().fold(source, |source, service| {
            (service.settings().with_defaults)(source, service.contract().service)
        }))
    }

    /// Checks every setting without starting anything.
    ///
    /// # Errors
    /// [`ConfigError`] that names the first offending key.
    pub fn check(&self, source: &Source) -> Result<ProcessConfig, ConfigError> {
        let config = source.process()?;
        for service in &self.services {
            let name = service.contract().service;
            (service.settings().check)(source, name)?;
            source.shared(name, "store", &config.store)?;
            source.shared(name, "messaging", &config.messaging)?;
        }
        Ok(config)
    }

    /// Applies the migrations of every service.
    ///
    /// # Errors
    /// One line that names the database and what is wrong.
    pub async fn migrate(&self, source: &Source) -> anyhow::Result<()> {
        let config = self.check(source)?;
        let _data_dir = match needs_data_dir(&config) {
            true => Some(DataDir::take(&config.data_dir).await?),
            false => None,
        };
        for service in &self.services {
            let name = service.contract().service;
            let store = source.shared(name, "store", &config.store)?;
            open_store(&**service, &store, &config.data_dir, true).await?.close().await;
            tracing::info!(service = name, "the schema is up to date");
        }
        Ok(())
    }

    /// Starts in one fixed order: data directory, stores, log and queue, services, gRPC, handlers and workers, relays,
    /// ready.
    ///
    /// # Errors
    /// One line that names the thing and the way out.
    pub async fn start(self, source: Source, mode: Mode) -> anyhow::Result<Started> {
        // The provider that TLS uses, before anything opens a connection; a second call in a process changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = self.check(&source)?;
        let prometheus = septet_telemetry::metrics::install_prometheus()?;
        let catalog = self.catalog();
        let contracts: Vec<_> = self.services.iter().map(|service| service.contract()).collect();
        let embedded = needs_data_dir(&config);
        let data_dir = match embedded {
            true => Some(DataDir::take(&config.data_dir).await?),
            false => None,
        };
        if data_dir.is_some() {
            LocalServer::forget(&config.data_dir)?;
        }
        // Bound before anything is opened: a port in use is the likeliest failure, and the cheapest to find.
        let listeners = match mode {
            Mode::Serve => Some((
                listen(config.grpc.listen, "grpc.listen").await?,
                listen(config.admin.listen, "admin.listen").await?,
            )),
            Mode::Local => None,
        };

        let log = backends::open_log(&config).await?;
        let queue = backends::open_queue(&config).await?;
        if config.log.backend == LogBackend::Embedded {
            log.apply_topics(&backends::topics(&catalog, &contracts)).await?;
        }
        if config.queue.backend == QueueBackend::Embedded {
            queue.declare(&backends::queues(&contracts)).await?;
        }

        let methods = catalog.contracts().fold(KnownMethods::new(), |methods, contract| {
            methods.with(contract.service, contract.rpcs.iter().map(|rpc| rpc.path))
        });
        let local = contracts.iter().map(|contract| contract.service).collect();
        let channels = Channels::new(&config.clients, local, methods.clone())?;
        let auth = match mode {
            Mode::Serve => Auth::new(&config.auth, &config.data_dir, catalog.clone()).await?,
            Mode::Local => Auth::new(&Default::default(), &config.data_dir, catalog.clone()).await?,
        };

        let mut routes = RoutesBuilder::default();
        let health = Health::register(&mut routes, &catalog).await?;
        let mut services = Vec::new();
        let mut background = Vec::new();
        for service in self.services {
            let name = service.contract().service;
            let store_config = source.shared(name, "store", &config.store)?;
            let store = open_store(&*service, &store_config, &config.data_dir, is_own(&store_config)).await?;
            let settings = source.shared(name, "messaging", &config.messaging)?;
            let units = Units::new(store, name, settings);
            let boot = Boot {
                service: name,
                source: source.clone(),
                units: units.clone(),
                channels: channels.clone(),
                data_dir: config.data_dir.clone(),
            };
            let contract = service.contract();
            let Made { handlers, background: tasks } =
                service.make(boot, &mut routes).await.with_context(|| format!("cannot start {name}"))?;
            background.extend(tasks.into_iter().map(|(task, run)| (format!("{name}.{task}"), run)));
            services.push(Running { contract, units, handlers: Arc::new(handlers) });
            septet_telemetry::metrics::record_build_info(name, env!("CARGO_PKG_VERSION"));
        }
        let shared = Arc::new(Shared { services, catalog, log, queue, source, prometheus });
        routes.add_service(Admin::server(Arc::clone(&shared)));
        let intake = CancellationToken::new();
        let calls = Calls::new(intake.clone());
        let stack = Stack {
            auth: Arc::new(auth),
            bounds: Arc::new(Bounds::new(&config.grpc)),
            methods,
            calls: calls.clone(),
        };
        let router = stack.wrap(routes.routes());
        channels.serve(router.clone());

        let mut started = Started {
            shared,
            config,
            health,
            intake,
            relays: CancellationToken::new(),
            intake_tasks: JoinSet::new(),
            relay_tasks: JoinSet::new(),
            channels,
            _data_dir: data_dir,
        };
        if let Some((grpc_listener, admin_listener)) = listeners {
            // Port 0 has become a number.
            started.config.grpc.listen = grpc_listener.local_addr()?;
            started.config.admin.listen = admin_listener.local_addr()?;
            if started.config.auth.local_token {
                LocalServer::announce(&started.config.data_dir, started.config.grpc.listen)?;
            }
            started.serve(grpc_listener, admin_listener, router, calls);
            for (name, task) in background {
                let stop = started.intake.clone();
                started.intake_tasks.spawn(async move { (name, task(stop).await) });
            }
            started.health.set(true).await;
        }
        Ok(started)
    }
}

impl Started {
    fn serve(
        &mut self,
        grpc_listener: TcpListener,
        admin_listener: TcpListener,
        router: axum::Router,
        calls: Calls,
    ) {
        let shared = Arc::clone(&self.shared);
        let stop = self.intake.clone();
        self.intake_tasks
            .spawn(async move { ("gRPC".to_owned(), grpc::serve(grpc_listener, router, calls).await) });
        self.intake_tasks.spawn({
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            async move { ("admin".to_owned(), admin::serve(admin_listener, shared, stop).await) }
        });
        self.intake_tasks.spawn({
            let (queue, stop) = (Arc::clone(&shared.queue), stop.clone());
            let queues: Vec<_> = shared.services.iter().map(|running| running.contract).collect();
            async move { ("queues".to_owned(), declare(&*queue, &backends::queues(&queues), &stop).await) }
        });
        for service in &shared.services {
            let name = service.contract.service;
            let Running { units, handlers, .. } = service;
            let dispatcher = Dispatcher::new(
                units.clone(),
                Arc::clone(&shared.log),
                shared.catalog.clone(),
                Arc::clone(handlers),
            );
            let worker = Worker::new(
                units.clone(),
                Arc::clone(&shared.queue),
                shared.catalog.clone(),
                Arc::clone(handlers),
            );
            self.intake_tasks.spawn({
                let stop = stop.clone();
                async move {
                    let ended = dispatcher.run(stop.clone()).await.map_err(anyhow::Error::from);
                    until_stop(&ended, &stop).await;
                    (format!("{name}.events"), ended)
                }
            });
            self.intake_tasks.spawn({
                let stop = stop.clone();
                async move {
                    let ended = worker.run(stop.clone()).await.map_err(anyhow::Error::from);
                    until_stop(&ended, &stop).await;
                    (format!("{name}.jobs"), ended)
                }
            });
            self.intake_tasks.spawn({
                let (units, stop) = (units.clone(), stop.clone());
                async move {
                    housekeep(&units, &stop).await;
                    (format!("{name}.housekeeping"), Ok(()))
                }
            });
            let owner = uuid::Uuid::now_v7().to_string();
            let leases = Leases::new(units.store().clone(), owner, LEASE);
            let events = Relay::events(units.clone(), leases.clone(), Arc::clone(&shared.log));
            let jobs = Relay::jobs(units.clone(), leases, Arc::clone(&shared.queue));
            self.relay_tasks.spawn(events.run(self.relays.clone()));
            self.relay_tasks.spawn(jobs.run(self.relays.clone()));
        }
    }

    /// The way to the services of this process, with all roles: for commands that run in it.
    pub fn channel(&self) -> Channel {
        self.channels.local(Identity::new("local", [ADMIN]))
    }

    /// The log.
    pub fn log(&self) -> SharedLog {
        Arc::clone(&self.shared.log)
    }

    /// The contracts that the process knows.
    pub fn catalog(&self) -> Catalog {
        self.shared.catalog.clone()
    }

    /// The process's settings.
    pub fn config(&self) -> &ProcessConfig {
        &self.config
    }

    /// Waits until a loop has ended that should not: the process should end too.
    pub async fn failed(&mut self) -> anyhow::Error {
        tokio::select! {
            Some(ended) = self.intake_tasks.join_next() => ended_early(ended),
            Some(ended) = self.relay_tasks.join_next() => match ended {
                Ok(()) => anyhow!("a relay has ended"),
                Err(error) => anyhow!("a relay panicked: {error}"),
            },
            else => std::future::pending().await,
        }
    }

    /// Takes nothing in any more, finishes what is in hand, sends what waits in the outboxes, and closes everything.
    ///
    /// # Errors
    /// The deadline has passed; what was not finished comes again at the next start.
    pub async fn drain(mut self) -> anyhow::Result<()> {
        let limit = Duration::from_secs(self.config.drain_secs);
        let end = Instant::now() + limit;
        self.health.set(false).await;
        self.intake.cancel();
        // A call or handler that hangs must not keep from being sent what others have committed.
        let taken_in = tokio::time::timeout_at(end - CLOSE.min(limit / 4) - SEND.min(limit / 4), async {
            while let Some(ended) = self.intake_tasks.join_next().await {
                if let Ok((task, Err(error))) = ended {
                    tracing::warn!(task, %error, "a task failed while draining");
                }
            }
        })
        .await;
        self.relays.cancel();
        let sent = tokio::time::timeout_at(end - CLOSE.min(limit / 4), async {
            while self.relay_tasks.join_next().await.is_some() {}
        })
        .await;
        let closed = tokio::time::timeout_at(end, async {
            self.shared.log.close().await;
            self.shared.queue.close().await;
            for service in &self.shared.services {
                service.units.store().close().await;
            }
        })
        .await;
        match (taken_in, sent, closed) {
            (Ok(()), Ok(()), Ok(())) => Ok(()),
            _ => Err(anyhow!(
                "the drain took longer than {limit:?}; what was not finished comes again at the next start"
            )),
        }
    }
}

/// Declares the queues, however long their server is away; until then workers and relays wait.
async fn declare(
    queue: &dyn Queue,
    queues: &[QueueSettings],
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    while let Err(error) = queue.declare(queues).await {
        if !error.is_transient() {
            return Err(error).context("cannot declare the queues");
        }
        tracing::warn!(%error, "cannot declare the queues yet");
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(DECLARE_AGAIN) => {}
        }
    }
    stop.cancelled().await;
    Ok(())
}

/// A service without handlers or jobs has nothing to do and ends its loop at once: no reason to end the process. A loop
/// that failed is one.
async fn until_stop(ended: &anyhow::Result<()>, stop: &CancellationToken) {
    if ended.is_ok() {
        stop.cancelled().await;
    }
}

/// Forgets what need not be known any more, once an hour.
async fn housekeep(units: &Units, stop: &CancellationToken) {
    loop {
        let forgotten = tokio::select! {
            () = stop.cancelled() => return,
            forgotten = units.forget_old() => forgotten,
        };
        match forgotten {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "forgot old deliveries and replies"),
            Err(error) => tracing::warn!(%error, "cannot forget old deliveries yet"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
    }
}

fn ended_early(ended: Result<(String, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((task, Err(error))) => error.context(format!("{task} failed")),
        Ok((task, Ok(()))) => anyhow!("{task} has ended"),
        Err(error) => anyhow!("a task panicked: {error}"),
    }
}

async fn listen(address: std::net::SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "{address} is in use by another program; stop it, or set `{key}` to another address (port 0 for any)"
        ),
        _ => anyhow!("cannot listen on {address} (`{key}`): {error}"),
    })
}

/// Whether anything is kept in the data directory.
fn needs_data_dir(config: &ProcessConfig) -> bool {
    config.log.backend == LogBackend::Embedded
        || config.queue.backend == QueueBackend::Embedded
        || config.auth.local_token
        || is_own(&config.store)
}

/// Whether a store is a file of this process, which migrates it; a shared server is migrated by a command of its own.
fn is_own(store: &septet_store::StoreConfig) -> bool {
    store.url.as_deref().is_none_or(|url| url.starts_with("sqlite:"))
}

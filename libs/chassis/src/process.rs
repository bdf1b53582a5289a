use std::sync::Arc;

use anyhow::{Context, anyhow};
use septet_contract::Catalog;
use septet_messaging::Units;
use septet_telemetry::grpc::KnownMethods;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;

use crate::{
    Service,
    admin::Admin,
    auth::Auth,
    backends,
    client::Channels,
    config::{ConfigError, LogBackend, ProcessConfig, QueueBackend, Source},
    data_dir::DataDir,
    grpc::{Bounds, Calls, Health, Stack},
    local::LocalServer,
    service::{AnyService, Boot, Made, open_store},
    started::{Running, Shared, Started},
};

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

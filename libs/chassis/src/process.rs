use std::{sync::Arc, time::Duration};

use anyhow::Context;
use septet_contract::{Catalog, Contract};
use septet_messaging::{
    Units,
    log::{AppliedTopics, LogError},
};
use septet_store::StoreError;
use septet_telemetry::grpc::KnownMethods;
use tokio::task::JoinSet;
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
    listeners::Listeners,
    local::LocalServer,
    pages::{HttpBoot, MakePages, Pages},
    readiness::{self, Dependency, Readiness},
    service::{AnyService, Boot, Made, bring_up, open_store},
    started::{Running, Shared, Started},
    wait::until_there,
};

/// The services that make up a process.
pub struct Process {
    name: &'static str,
    services: Vec<Box<dyn AnyService>>,
    defaults: ProcessConfig,
    pages: Option<MakePages>,
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
        Self { name, services: Vec::new(), defaults, pages: None }
    }

    /// Adds a service.
    #[must_use]
    pub fn with<S: Send + Sync + 'static>(mut self, service: Service<S>) -> Self {
        self.services.push(Box::new(service));
        self
    }

    /// Serves pages on the HTTP listener, beside health and metrics. Who may see them, they decide themselves.
    #[must_use]
    pub fn http(
        mut self,
        pages: impl FnOnce(HttpBoot) -> anyhow::Result<axum::Router> + Send + 'static,
    ) -> Self {
        self.pages = Some(Box::new(pages));
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
        config.check().map_err(|(key, problem)| source.key_error(key.to_owned(), problem.to_owned()))?;
        Ok(config)
    }

    /// Applies the migrations of every service, once its database is there.
    ///
    /// # Errors
    /// One line that names the database and what is wrong; that it is still away after `wait`, for one.
    pub async fn migrate(&self, source: &Source, wait: Duration) -> anyhow::Result<()> {
        let config = self.check(source)?;
        let _data_dir = match needs_data_dir(&config) {
            true => Some(DataDir::take(&config.data_dir).await?),
            false => None,
        };
        for service in &self.services {
            let name = service.contract().service;
            let store = source.shared(name, "store", &config.store)?;
            let store = open_store(name, &store, &config.data_dir).await?;
            until_there(
                store.location(),
                Some(wait),
                StoreError::is_transient,
                |_| {},
                || bring_up(&store, service.migrations(), true),
            )
            .await
            .with_context(|| store.location().to_owned())?;
            store.close().await;
            tracing::info!(service = name, "the schema is up to date");
        }
        Ok(())
    }

    /// Creates the topics that the services and their handlers use, and widens those with too few partitions, once the
    /// log is there.
    ///
    /// # Errors
    /// One line that says what is wrong; that the log is still away after `wait`, for one.
    pub async fn apply_topics(&self, source: &Source, wait: Duration) -> anyhow::Result<AppliedTopics> {
        let config = self.check(source)?;
        let _data_dir = match config.log.backend {
            LogBackend::Embedded => Some(DataDir::take(&config.data_dir).await?),
            LogBackend::Kafka => None,
        };
        let log = backends::open_log(&config).await?;
        let topics = backends::topics(&self.catalog(), &self.contracts());
        let applied =
            until_there("log", Some(wait), LogError::is_transient, |_| {}, || log.apply_topics(&topics));
        let applied = applied.await;
        log.close().await;
        Ok(applied?)
    }

    fn contracts(&self) -> Vec<&'static Contract> {
        self.services.iter().map(|service| service.contract()).collect()
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
        let contracts = self.contracts();
        let embedded = needs_data_dir(&config);
        let data_dir = match embedded {
            true => Some(DataDir::take(&config.data_dir).await?),
            false => None,
        };
        if data_dir.is_some() {
            LocalServer::forget(&config.data_dir)?;
        }
        // Bound before anything is opened: a port in use is the likeliest failure, and the cheapest to find. Health and
        // metrics are there from now on; calls are refused until they can be served, so that callers go elsewhere.
        let readiness = Arc::new(Readiness::starting());
        let pages = self.pages.map(|make| (make, Pages::default()));
        let listeners = match mode {
            Mode::Serve => {
                let pages = pages.as_ref().map(|(_, pages)| pages.clone());
                Some(Listeners::bind(&config, &readiness, &prometheus, pages)?)
            }
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
        let channels = Channels::new(&config.clients, local, methods.clone(), &catalog)?;
        let auth = match mode {
            Mode::Serve => Auth::new(&config.auth, &config.data_dir, &catalog).await?,
            Mode::Local => Auth::new(&Default::default(), &config.data_dir, &catalog).await?,
        };

        let mut routes = RoutesBuilder::default();
        let health = Health::register(&mut routes, &catalog).await?;
        let mut services = Vec::new();
        let mut background = Vec::new();
        for service in self.services {
            let name = service.contract().service;
            let store_config = source.shared(name, "store", &config.store)?;
            let store = open_store(name, &store_config, &config.data_dir).await?;
            let migrations = service.migrations();
            let away = |error: &StoreError| readiness.note(Dependency::Store(name), Err(error.to_string()));
            until_there(store.location(), None, StoreError::is_transient, away, || {
                bring_up(&store, migrations, is_own(&store_config))
            })
            .await?;
            readiness.note(Dependency::Store(name), Ok(()));
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
            let calls = channels.called_by(name);
            services.push(Running { contract, units, handlers: Arc::new(handlers), calls });
            septet_telemetry::metrics::record_build_info(name, env!("CARGO_PKG_VERSION"));
        }
        let shared = Arc::new(Shared { services, catalog, log, queue, source, prometheus, readiness });
        routes.add_service(Admin::server(Arc::clone(&shared)));
        let intake = CancellationToken::new();
        let calls = Arc::new(Calls::new(CancellationToken::new()));
        let denials = auth.denials();
        let stack = Stack { auth, bounds: Bounds::new(&config.grpc), calls: Arc::clone(&calls) };
        let router = stack.wrap(routes.routes(), methods);
        channels.serve(router.clone());

        let mut started = Started {
            shared,
            config,
            intake,
            calls: calls.stop(),
            relays: CancellationToken::new(),
            admin: None,
            intake_tasks: JoinSet::new(),
            relay_tasks: JoinSet::new(),
            channels,
            _data_dir: data_dir,
        };
        if let Some(listeners) = listeners {
            // Port 0 has become a number.
            started.config.grpc.listen = listeners.grpc_address;
            started.config.admin.listen = listeners.admin_address;
            let (incoming, admin) = listeners.listen(calls.connections())?;
            if let Some((make, pages)) = pages {
                let (channels, config) = (started.channels.clone(), started.config.clone());
                pages.open(make(HttpBoot { channels, config, stop: started.intake.clone() })?);
            }
            started.admin = Some(admin);
            if started.config.auth.local_token {
                LocalServer::announce(&started.config)?;
            }
            started.serve(incoming, router, calls, health.clone());
            started.tell_denials(self.name, denials);
            for (name, task) in background {
                let stop = started.intake.clone();
                started.intake_tasks.spawn(async move { (name, task(stop).await) });
            }
            readiness::first(&started.shared, &health).await;
        }
        Ok(started)
    }
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

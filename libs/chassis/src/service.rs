use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use axum::response::IntoResponse;
use septet_contract::{Contract, Event, Job};
use septet_messaging::{Handle, Handlers, Units, Work};
use septet_store::{Migrations, Store, StoreConfig, StoreError};
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, server::NamedService, service::RoutesBuilder};

use crate::{
    Channel,
    client::Channels,
    config::{ConfigError, ServiceConfig, Source},
};

/// What a service is: the one place that lists what it does.
pub struct Service<S> {
    contract: &'static Contract,
    contracts: Vec<&'static Contract>,
    migrations: Migrations,
    settings: SettingsOf,
    new: Box<dyn FnOnce(Boot) -> Making<S> + Send>,
    grpc: Vec<Register<S, RoutesBuilder>>,
    handlers: Vec<Register<S, Handlers>>,
    background: Vec<(&'static str, Background<S>)>,
}

type Making<S> = Pin<Box<dyn Future<Output = anyhow::Result<S>> + Send>>;
type Register<S, To> = Box<dyn FnOnce(&Arc<S>, &mut To) + Send>;
type Running = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;
type Background<S> = Box<dyn FnOnce(Arc<S>, CancellationToken) -> Running + Send>;
/// A background task whose service is known.
pub(crate) type Task = Box<dyn FnOnce(CancellationToken) -> Running + Send>;

/// How to handle a service's settings whose type is forgotten.
#[derive(Clone, Copy)]
pub(crate) struct SettingsOf {
    pub with_defaults: fn(Source, &str) -> Source,
    pub check: fn(&Source, &str) -> Result<(), ConfigError>,
}

impl SettingsOf {
    fn of<C: ServiceConfig>() -> Self {
        Self {
            with_defaults: |source, service| source.with_defaults::<C>(service),
            check: |source, service| source.service::<C>(service).map(drop),
        }
    }
}

/// What a service is made from.
pub struct Boot {
    pub(crate) service: &'static str,
    pub(crate) source: Source,
    pub(crate) units: Units,
    pub(crate) channels: Channels,
    pub(crate) data_dir: std::path::PathBuf,
}

impl Boot {
    /// The service's own settings.
    ///
    /// # Errors
    /// [`ConfigError`] that names the offending key.
    pub fn config<C: ServiceConfig>(&self) -> Result<C, ConfigError> {
        self.source.service(self.service)
    }

    /// Units of work on the service's database.
    pub fn units(&self) -> Units {
        self.units.clone()
    }

    /// The way to another service, in this process or not.
    pub fn channel(&self, service: &str) -> Channel {
        self.channels.to(service, self.service)
    }

    /// A directory that is the service's own, for files that are no state: caches and mirrors. May not exist yet.
    pub fn cache_dir(&self) -> std::path::PathBuf {
        self.data_dir.join(self.service)
    }
}

impl<S: Send + Sync + 'static> Service<S> {
    /// A service that owns a contract, and how to make its struct once its database is up to date.
    pub fn new<F>(
        contract: &'static Contract,
        migrations: Migrations,
        new: impl FnOnce(Boot) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = anyhow::Result<S>> + Send + 'static,
    {
        Self {
            contract,
            contracts: vec![contract],
            migrations,
            settings: SettingsOf::of::<()>(),
            new: Box::new(|boot| Box::pin(new(boot))),
            grpc: Vec::new(),
            handlers: Vec::new(),
            background: Vec::new(),
        }
    }

    /// Its short name, for example `review`.
    pub fn name(&self) -> &'static str {
        self.contract.service
    }

    /// The type of its own settings.
    #[must_use]
    pub fn config<C: ServiceConfig>(mut self) -> Self {
        self.settings = SettingsOf::of::<C>();
        self
    }

    /// Serves a gRPC service; give tonic's `…Server::from_arc`.
    #[must_use]
    pub fn grpc<G>(mut self, server: impl FnOnce(Arc<S>) -> G + Send + 'static) -> Self
    where
        G: tower::Service<http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        G::Response: IntoResponse,
        G::Future: Send + 'static,
    {
        self.grpc.push(Box::new(|service, routes| {
            routes.add_service(server(Arc::clone(service)));
        }));
        self
    }

    /// Handles an event type.
    #[must_use]
    pub fn on<E: Event>(mut self) -> Self
    where
        S: Handle<E>,
    {
        self.contracts.push(E::contract());
        self.handlers.push(Box::new(|service, handlers| handlers.on::<E, S>(Arc::clone(service))));
        self
    }

    /// Works on a job type.
    #[must_use]
    pub fn work<J: Job>(mut self) -> Self
    where
        S: Work<J>,
    {
        self.handlers.push(Box::new(|service, handlers| handlers.work::<J, S>(Arc::clone(service))));
        self
    }

    /// Runs a task from the start to the drain, which `stop` announces. If it ends before, the process ends.
    #[must_use]
    pub fn background<F>(
        mut self,
        name: &'static str,
        task: impl FnOnce(Arc<S>, CancellationToken) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.background.push((name, Box::new(move |service, stop| Box::pin(task(service, stop)))));
        self
    }
}

/// A service whose struct is forgotten.
#[async_trait]
pub(crate) trait AnyService: Send {
    fn contract(&self) -> &'static Contract;
    fn contracts(&self) -> Vec<&'static Contract>;
    fn settings(&self) -> SettingsOf;
    fn migrations(&self) -> &Migrations;
    /// Makes the service's struct and adds its gRPC servers to the routes.
    async fn make(self: Box<Self>, boot: Boot, routes: &mut RoutesBuilder) -> anyhow::Result<Made>;
}

/// A service that is made and can run.
pub(crate) struct Made {
    pub handlers: Handlers,
    pub background: Vec<(&'static str, Task)>,
}

#[async_trait]
impl<S: Send + Sync + 'static> AnyService for Service<S> {
    fn contract(&self) -> &'static Contract {
        self.contract
    }

    fn contracts(&self) -> Vec<&'static Contract> {
        self.contracts.clone()
    }

    fn settings(&self) -> SettingsOf {
        self.settings
    }

    fn migrations(&self) -> &Migrations {
        &self.migrations
    }

    async fn make(self: Box<Self>, boot: Boot, routes: &mut RoutesBuilder) -> anyhow::Result<Made> {
        let service = Arc::new((self.new)(boot).await?);
        for register in self.grpc {
            register(&service, routes);
        }
        let mut handlers = Handlers::default();
        for register in self.handlers {
            register(&service, &mut handlers);
        }
        let background = self
            .background
            .into_iter()
            .map(|(name, task)| {
                let service = Arc::clone(&service);
                let task: Task = Box::new(move |stop| task(service, stop));
                (name, task)
            })
            .collect();
        Ok(Made { handlers, background })
    }
}

/// Opens a service's database.
pub(crate) async fn open_store(
    service: &str,
    config: &StoreConfig,
    data_dir: &std::path::Path,
) -> Result<Store, StoreError> {
    Store::open(config, &data_dir.join(format!("{service}.db"))).await
}

/// Brings the schema of a service's database up to date, or checks it.
pub(crate) async fn bring_up(store: &Store, own: &Migrations, migrate: bool) -> Result<(), StoreError> {
    for migrations in [&septet_messaging::migrations(), own] {
        if migrate {
            store.migrate(migrations).await?;
        } else {
            store.check_schema(migrations).await?;
        }
    }
    Ok(())
}

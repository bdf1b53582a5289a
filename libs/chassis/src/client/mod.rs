//! Calls to services: in this process without a socket, elsewhere over HTTP/2 and all replicas.

mod balance;
mod board;
mod body;
mod budget;
mod call;
mod connect;
mod local;
mod methods;
mod target;
mod tls;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use http::{HeaderValue, Request, Response};
use septet_contract::Catalog;
use septet_telemetry::grpc::{ClientTraceLayer, KnownMethods};
use tonic::body::Body;
use tower::{BoxError, Service, ServiceBuilder, util::BoxCloneSyncService};

use self::{
    balance::Balance, call::Remote, connect::Connector, local::Local, methods::Methods, target::Target,
};
use crate::{
    auth::Identity,
    config::{ClientConfig, ClientTls, SERVICES},
};

/// The way to a service: give it to a generated client's `new`. In the same process no byte goes over a socket, but the call
/// passes the same checks. Elsewhere the call goes to one of the replicas, ends at its deadline, and is tried again where
/// that is safe.
pub type Channel = BoxCloneSyncService<Request<Body>, Response<Body>, ChannelError>;

/// Why a call did not reach its service.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ChannelError(#[source] BoxError);

/// Makes channels.
#[derive(Clone)]
pub(crate) struct Channels {
    /// Set once all services of the process are made.
    router: Arc<OnceLock<axum::Router>>,
    /// Services of this process.
    local: Arc<[&'static str]>,
    remote: Arc<BTreeMap<&'static str, Remote>>,
    traced: KnownMethods,
    /// Who has asked for the way to whom.
    taken: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Channels {
    pub fn new(
        config: &ClientConfig,
        local: Vec<&'static str>,
        traced: KnownMethods,
        catalog: &Catalog,
    ) -> anyhow::Result<Self> {
        if let Some(unknown) =
            config.urls.keys().find(|name| !SERVICES.iter().any(|(known, _)| known == name))
        {
            anyhow::bail!("clients.urls.{unknown}: there is no such service");
        }
        let token = config
            .token_file
            .as_deref()
            .map(|path| {
                let token = fs::read_to_string(path)
                    .with_context(|| format!("cannot read clients.token_file {}", path.display()))?;
                bearer(token.trim())
                    .with_context(|| format!("clients.token_file {} is not a token", path.display()))
            })
            .transpose()?;
        let methods = Methods::of(catalog);
        let mut remote = BTreeMap::new();
        for (service, port) in SERVICES.iter().filter(|(service, _)| !local.contains(service)) {
            let urls =
                config.urls.get(*service).cloned().unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
            let builder = ChannelBuilder {
                urls,
                token: token.clone(),
                tls: config.tls.clone(),
                timeout: Duration::from_millis(config.timeout_ms),
                methods: methods.clone(),
            };
            remote.insert(*service, builder.remote().with_context(|| format!("clients.urls.{service}"))?);
        }
        Ok(Self {
            router: Arc::default(),
            local: local.into(),
            remote: Arc::new(remote),
            traced,
            taken: Arc::default(),
        })
    }

    /// The router that calls within the process go to.
    pub fn serve(&self, router: axum::Router) {
        // The second of two routers has no callers.
        let _ = self.router.set(router);
    }

    /// The way from one service to another.
    pub fn to(&self, service: &str, from: &str) -> Channel {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((from.to_owned(), service.to_owned()));
        match self.remote.get(service).filter(|_| !self.local.contains(&service)) {
            Some(remote) => self.traced(remote.clone()),
            None => self.local(Identity::of_service(from)),
        }
    }

    /// The services that one of this process may call.
    pub fn called_by(&self, from: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().filter(|(caller, _)| caller == from).map(|(_, called)| called.clone()).collect()
    }

    /// The way to the services of this process, as a caller whose identity is taken for granted.
    pub fn local(&self, identity: Identity) -> Channel {
        self.traced(
            ServiceBuilder::new()
                .map_err(ChannelError)
                .service(Local { router: Arc::clone(&self.router), identity }),
        )
    }

    fn traced<T>(&self, target: T) -> Channel
    where
        T: Service<Request<Body>, Response = Response<Body>, Error = ChannelError>
            + Clone
            + Send
            + Sync
            + 'static,
        T::Future: Send + 'static,
    {
        let service = ServiceBuilder::new()
            .map_response(|response: Response<_>| response.map(Body::new))
            .layer(ClientTraceLayer::new(self.traced.clone()))
            .service(target);
        BoxCloneSyncService::new(service)
    }
}

/// Makes a channel to servers elsewhere.
pub struct ChannelBuilder {
    urls: String,
    token: Option<HeaderValue>,
    tls: ClientTls,
    timeout: Duration,
    methods: Methods,
}

impl ChannelBuilder {
    /// To all addresses of these URLs, with commas between.
    pub fn new(urls: &str) -> Self {
        let ClientConfig { tls, timeout_ms, .. } = ClientConfig::default();
        Self {
            urls: urls.to_owned(),
            token: None,
            tls,
            timeout: Duration::from_millis(timeout_ms),
            methods: Methods::default(),
        }
    }

    /// Shows a token or API key.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn token(mut self, token: &str) -> anyhow::Result<Self> {
        self.token = Some(bearer(token).context("the token has characters that no header can carry")?);
        Ok(self)
    }

    /// How `https:` URLs are connected to.
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = tls;
        self
    }

    /// How long a call may take whose caller sets no deadline. Streams are bounded until they begin.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Which calls are tried again after a failure, and which replies are streams, is in the contracts. Without them only
    /// a call that surely was not begun is tried again.
    #[must_use]
    pub fn contracts(mut self, catalog: &Catalog) -> Self {
        self.methods = Methods::of(catalog);
        self
    }

    /// Makes the channel. Connections are made at the first call.
    ///
    /// # Errors
    /// One line that names the URL or file that cannot be used.
    pub fn build(self) -> anyhow::Result<Channel> {
        Ok(BoxCloneSyncService::new(self.remote()?))
    }

    fn remote(self) -> anyhow::Result<Remote> {
        let targets = Target::list(&self.urls)?;
        let tls = targets.iter().any(Target::is_tls).then(|| tls::client(&self.tls)).transpose()?;
        let balance = Balance::new(targets, Arc::new(Connector::new(tls)));
        Ok(Remote::new(balance, self.methods, self.token, self.timeout))
    }
}

/// A channel to servers elsewhere, at URLs with commas between, with a token or API key.
///
/// # Errors
/// The URLs or the token cannot be used.
pub fn remote(urls: &str, token: &str) -> anyhow::Result<Channel> {
    ChannelBuilder::new(urls).token(token)?.build()
}

fn bearer(token: &str) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

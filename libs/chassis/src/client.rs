use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use septet_telemetry::grpc::{ClientTraceLayer, KnownMethods};
use tonic::{
    body::Body,
    transport::{Channel as Network, ClientTlsConfig, Endpoint},
};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};

use crate::{
    auth::Identity,
    config::{ClientConfig, SERVICES},
};

/// The way to a service: give it to a generated client's `new`. In the same process no byte goes over a socket, but the call
/// passes the same checks.
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
    urls: Arc<BTreeMap<String, Endpoint>>,
    token: Option<HeaderValue>,
    methods: KnownMethods,
}

impl Channels {
    pub fn new(
        config: &ClientConfig,
        local: Vec<&'static str>,
        methods: KnownMethods,
    ) -> anyhow::Result<Self> {
        let mut urls = BTreeMap::new();
        for (service, port) in SERVICES {
            let url = config.urls.get(service).cloned().unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
            let endpoint = endpoint(&url)
                .with_context(|| format!("clients.urls.{service}"))?
                .http2_keep_alive_interval(Duration::from_secs(20))
                .keep_alive_while_idle(true);
            urls.insert(service.to_owned(), endpoint);
        }
        if let Some(unknown) = config.urls.keys().find(|name| !urls.contains_key(*name)) {
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
        Ok(Self { router: Arc::default(), local: local.into(), urls: Arc::new(urls), token, methods })
    }

    /// Makes the services of this process reachable.
    pub fn serve(&self, router: axum::Router) {
        // Called once, by the process that made this.
        let _ = self.router.set(router);
    }

    /// The way from one service to another.
    pub fn to(&self, service: &str, from: &str) -> Channel {
        if self.local.contains(&service) {
            return self.local(Identity::of_service(from));
        }
        match self.urls.get(service) {
            Some(endpoint) => {
                self.traced(Remote { network: endpoint.connect_lazy(), token: self.token.clone() })
            }
            None => self.local(Identity::of_service(from)),
        }
    }

    /// The way to the services of this process, as a caller whose identity is taken for granted.
    pub fn local(&self, identity: Identity) -> Channel {
        self.traced(Local { router: Arc::clone(&self.router), identity })
    }

    fn traced<T>(&self, target: T) -> Channel
    where
        T: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
            + Clone
            + Send
            + Sync
            + 'static,
        T::Future: Send + 'static,
    {
        let service = ServiceBuilder::new()
            .map_response(|response: Response<_>| response.map(Body::new))
            .map_err(ChannelError)
            .layer(ClientTraceLayer::new(self.methods.clone()))
            .service(target);
        BoxCloneSyncService::new(service)
    }
}

/// A channel to a server elsewhere, with a token or API key.
///
/// # Errors
/// The URL or the token cannot be used.
pub fn remote(url: &str, token: &str) -> anyhow::Result<Channel> {
    let endpoint = endpoint(url)?;
    let token = Some(bearer(token).context("the token has characters that no header can carry")?);
    let target = Remote { network: endpoint.connect_lazy(), token };
    Ok(BoxCloneSyncService::new(target.map_err(ChannelError)))
}

/// With TLS for an `https:` URL, by the system's certificates.
fn endpoint(url: &str) -> anyhow::Result<Endpoint> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("{url:?} is not a URL"))?
        .connect_timeout(Duration::from_secs(5));
    if endpoint.uri().scheme_str() == Some("https") {
        return Ok(endpoint.tls_config(ClientTlsConfig::new().with_native_roots())?);
    }
    Ok(endpoint)
}

fn bearer(token: &str) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[derive(Clone)]
struct Local {
    router: Arc<OnceLock<axum::Router>>,
    identity: Identity,
}

impl Service<Request<Body>> for Local {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(router) = self.router.get().cloned() else {
            return std::future::ready(Err("the services of this process are not up yet".into())).boxed();
        };
        request.extensions_mut().insert(self.identity.clone());
        async move {
            let response = router.oneshot(request.map(axum::body::Body::new)).await?;
            Ok(response.map(Body::new))
        }
        .boxed()
    }
}

#[derive(Clone)]
struct Remote {
    network: Network,
    token: Option<HeaderValue>,
}

impl Service<Request<Body>> for Remote {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.network.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        let call = self.network.call(request);
        async move { Ok(call.await?) }.boxed()
    }
}

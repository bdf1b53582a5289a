use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use super::call::{Call, Side};
use super::methods::{KnownMethods, Lookup};
use super::response::{ResponseBody, ResponseFuture};
use crate::propagation;

/// Makes a span of every call that arrives, below the caller's span, and records its duration and status as
/// `rpc_server_call_duration_seconds`.
#[derive(Debug, Clone)]
pub struct ServerTraceLayer {
    methods: Lookup,
}

impl ServerTraceLayer {
    /// `methods` are the ones this server serves.
    pub fn new(methods: KnownMethods) -> Self {
        Self { methods: methods.into_lookup() }
    }
}

impl<S> Layer<S> for ServerTraceLayer {
    type Service = ServerTraceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerTraceService { inner, methods: self.methods.clone() }
    }
}

/// What [`ServerTraceLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct ServerTraceService<S> {
    inner: S,
    methods: Lookup,
}

impl<S, Req, Res> Service<Request<Req>> for ServerTraceService<S>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    Res: Body,
{
    type Response = Response<ResponseBody<Res>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Req>) -> Self::Future {
        let call = Call::begin(Side::Server, self.methods.method(request.uri().path()));
        propagation::extract(request.headers(), call.span());
        let inner = call.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner, call)
    }
}

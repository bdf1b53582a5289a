use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use super::call::{Call, Side};
use super::methods::{KnownMethods, Lookup};
use super::response::{ResponseBody, ResponseFuture};
use crate::propagation;

/// Makes a span of every call that leaves, tells the server about it in `traceparent`, and records its duration and
/// status as `rpc_client_call_duration_seconds`.
#[derive(Debug, Clone)]
pub struct ClientTraceLayer {
    methods: Lookup,
}

impl ClientTraceLayer {
    /// `methods` are the ones this client may call.
    pub fn new(methods: KnownMethods) -> Self {
        Self { methods: methods.into_lookup() }
    }
}

impl<S> Layer<S> for ClientTraceLayer {
    type Service = ClientTraceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientTraceService { inner, methods: self.methods.clone() }
    }
}

/// What [`ClientTraceLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct ClientTraceService<S> {
    inner: S,
    methods: Lookup,
}

impl<S, Req, Res> Service<Request<Req>> for ClientTraceService<S>
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

    fn call(&mut self, mut request: Request<Req>) -> Self::Future {
        let call = Call::begin(Side::Client, self.methods.method(request.uri().path()));
        let inner = call.span().in_scope(|| {
            propagation::inject(request.headers_mut());
            self.inner.call(request)
        });
        ResponseFuture::new(inner, call)
    }
}

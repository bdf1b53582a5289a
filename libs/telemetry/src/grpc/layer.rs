use std::marker::PhantomData;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower::{Layer, Service};
use tracing::Span;

use super::call::{Call, Side};
use super::methods::{KnownMethods, Lookup};
use super::response::{ResponseBody, ResponseFuture};
use crate::propagation;

/// Makes a span of every call that arrives, below the caller's span, and records its duration and status as
/// `rpc_server_call_duration_seconds`.
pub type ServerTraceLayer = TraceLayer<Server>;

/// Makes a span of every call that leaves, tells the server about it in `traceparent`, and records its duration and
/// status as `rpc_client_call_duration_seconds`.
pub type ClientTraceLayer = TraceLayer<Client>;

/// Makes a span and a duration of every call, at one end of it.
#[derive(Debug, Clone)]
pub struct TraceLayer<E> {
    methods: Lookup,
    end: PhantomData<E>,
}

/// One end of a call.
pub trait End: end::Sealed {}

/// The end where calls arrive.
#[derive(Debug, Clone, Copy)]
pub struct Server;

/// The end where calls leave.
#[derive(Debug, Clone, Copy)]
pub struct Client;

impl End for Server {}
impl End for Client {}

mod end {
    use super::{HeaderMap, Side, Span};

    /// What tells the ends apart. Only this module has ends.
    pub trait Sealed {
        const SIDE: Side;

        /// Ties the call's span to the one at the other end. Runs before the span is entered.
        fn tie(span: &Span, headers: &mut HeaderMap);
    }
}

impl end::Sealed for Server {
    const SIDE: Side = Side::Server;

    fn tie(span: &Span, headers: &mut HeaderMap) {
        propagation::extract(headers, span);
    }
}

impl end::Sealed for Client {
    const SIDE: Side = Side::Client;

    fn tie(span: &Span, headers: &mut HeaderMap) {
        span.in_scope(|| propagation::inject(headers));
    }
}

impl<E> TraceLayer<E> {
    /// `methods` are the ones that this end serves or calls.
    pub fn new(methods: KnownMethods) -> Self {
        Self { methods: methods.into_lookup(), end: PhantomData }
    }
}

impl<S, E> Layer<S> for TraceLayer<E> {
    type Service = TraceService<S, E>;

    fn layer(&self, inner: S) -> Self::Service {
        TraceService { inner, methods: self.methods.clone(), end: PhantomData }
    }
}

/// What [`TraceLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct TraceService<S, E> {
    inner: S,
    methods: Lookup,
    end: PhantomData<E>,
}

impl<S, E, Req, Res> Service<Request<Req>> for TraceService<S, E>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    E: End,
    Res: Body,
{
    type Response = Response<ResponseBody<Res>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Req>) -> Self::Future {
        let call = Call::begin(E::SIDE, self.methods.method(request.uri().path()));
        E::tie(call.span(), request.headers_mut());
        let inner = call.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner, call)
    }
}

use std::{
    error::Error,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Request, Response, Version, header, request::Parts};
use metrics::counter;
use septet_telemetry::metrics::names;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::Service;

use super::{
    ChannelError,
    balance::Balance,
    board::{Connection, Id, Load},
    body::{Followed, Outgoing, Reply},
    budget::Budget,
    methods::{Method, Methods},
};
use crate::{backoff::Backoff, deadline, error::fault};

/// How often a call is tried at most.
const ATTEMPTS: u32 = 3;
/// The pauses between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// Calls a service elsewhere: each over the replica that has the least to do, until its deadline, and again where that is
/// safe.
#[derive(Clone)]
pub(super) struct Remote(Arc<Inner>);

struct Inner {
    balance: Balance,
    methods: Methods,
    token: Option<HeaderValue>,
    timeout: Duration,
    budget: Budget,
}

/// Until when a call may take.
struct Limits {
    /// Until the reply begins.
    begin: Instant,
    /// Until it ends. Streams may go on for ever, unless the caller says otherwise.
    end: Option<Instant>,
}

/// An attempt that failed.
struct Failed {
    response: Response<Body>,
    /// The server may have begun to work on it.
    reached: bool,
    replica: Option<Id>,
}

impl Remote {
    pub fn new(balance: Balance, methods: Methods, token: Option<HeaderValue>, timeout: Duration) -> Self {
        Self(Arc::new(Inner { balance, methods, token, timeout, budget: Budget::new() }))
    }
}

impl Service<Request<Body>> for Remote {
    type Response = Response<Body>;
    type Error = ChannelError;
    type Future = BoxFuture<'static, Result<Response<Body>, ChannelError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ChannelError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        async move { Ok(inner.call(request).await) }.boxed()
    }
}

impl Inner {
    async fn call(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let method = self.methods.get(parts.uri.path());
        let limits = self.limits(&parts.headers, method);
        if let Some(token) = &self.token {
            parts.headers.insert(header::AUTHORIZATION, token.clone());
        }
        self.budget.earn();
        let attempts = self.attempts(&parts, Outgoing::of(body), method, &limits);
        match tokio::time::timeout_at(limits.begin, attempts).await {
            Ok(response) => response,
            Err(_elapsed) => overdue().into_http(),
        }
    }

    /// What the caller asked for and what is left to the call that is being handled; else what is configured.
    fn limits(&self, headers: &HeaderMap, method: Option<&Method>) -> Limits {
        let now = Instant::now();
        let asked = deadline::asked(headers).map(|asked| now + asked);
        let given = [asked, deadline::current()].into_iter().flatten().min();
        let usual = now + self.timeout;
        let unary = method.is_some_and(|method| method.unary);
        Limits { begin: given.unwrap_or(usual), end: given.or(unary.then_some(usual)) }
    }

    async fn attempts(
        &self,
        parts: &Parts,
        mut body: Outgoing,
        method: Option<&Method>,
        limits: &Limits,
    ) -> Response<Body> {
        let mut backoff = Backoff::new(PAUSE.0, PAUSE.1);
        let mut avoid = None;
        for attempt in 1.. {
            let failed = match self.attempt(parts, &mut body, method, limits, avoid).await {
                Ok(response) => return response,
                Err(failed) => failed,
            };
            if attempt == ATTEMPTS || !self.may_repeat(&failed, &body, method) {
                return failed.response;
            }
            if let Some(method) = method {
                counter!(names::RPC_CLIENT_RETRIES_TOTAL, "service" => method.owner).increment(1);
            }
            avoid = failed.replica;
            tokio::time::sleep(backoff.pause()).await;
        }
        unreachable!("the last attempt returns")
    }

    fn may_repeat(&self, failed: &Failed, body: &Outgoing, method: Option<&Method>) -> bool {
        if !failed.reached {
            return body.is_there();
        }
        let Some((method, message)) = method.zip(body.whole()) else { return false };
        method.is_safe_twice(message) && self.budget.spend()
    }

    async fn attempt(
        &self,
        parts: &Parts,
        body: &mut Outgoing,
        method: Option<&Method>,
        limits: &Limits,
        avoid: Option<Id>,
    ) -> Result<Response<Body>, Failed> {
        let connection = self.balance.pick(avoid).await.map_err(|reason| Failed {
            response: unreachable_service(&reason).into_http(),
            reached: false,
            replica: None,
        })?;
        let replica = Some(connection.id);
        let failed = |status: Status, reached| Failed { response: status.into_http(), reached, replica };
        let Some(request) = self.request(parts, body, &connection, limits) else {
            return Err(failed(Status::internal("the request cannot be made"), true));
        };
        let load = Load::on(&connection);
        let response = match connection.sender().try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                let back = error.take_message();
                let error = error.into_error();
                let reached = back.is_none() && !is_refused(&error);
                if let Some(request) = back {
                    body.give_back(request.into_body());
                }
                return Err(failed(cut_off(&error), reached));
            }
        };
        let (head, incoming) = response.into_parts();
        let unavailable = is_unavailable(&head.headers);
        let (response, unavailable) = if method.is_some_and(|method| method.unary) && !unavailable {
            let reply = Reply::read(incoming).await.map_err(|error| failed(cut_off(&error), true))?;
            let unavailable = reply.trailers().is_some_and(is_unavailable);
            (Response::from_parts(head, reply.into_body(load, limits.end)), unavailable)
        } else {
            (Response::from_parts(head, Body::new(Followed::new(incoming, load, limits.end))), unavailable)
        };
        if unavailable { Err(Failed { response, reached: true, replica }) } else { Ok(response) }
    }

    fn request(
        &self,
        parts: &Parts,
        body: &mut Outgoing,
        connection: &Connection,
        limits: &Limits,
    ) -> Option<Request<Body>> {
        let mut request = Request::new(body.send()?);
        *request.method_mut() = parts.method.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = parts.headers.clone();
        *request.uri_mut() = connection.target.url(parts.uri.path_and_query()?.clone())?;
        if let Some(end) = limits.end {
            deadline::carry(request.headers_mut(), end);
        }
        Some(request)
    }
}

fn is_unavailable(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_some_and(|code| code == "14")
}

/// Whether the server has said that it did not begin to work on the request.
fn is_refused(error: &hyper::Error) -> bool {
    let error = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    error.is_some_and(|error| {
        error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

fn unreachable_service(reason: &str) -> Status {
    fault(
        Code::Unavailable,
        "SEPTET-0017",
        "service",
        &format!("the service cannot be reached: {reason}"),
        "is it running there? look at `clients.urls`",
    )
}

pub(super) fn cut_off(error: &hyper::Error) -> Status {
    let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    fault(
        Code::Unavailable,
        "SEPTET-0018",
        "connection",
        &format!("the connection ended before the reply did: {reason}"),
        "whether the call was done is not known; call again, with the same request_id where there is one",
    )
}

pub(super) fn overdue() -> Status {
    fault(
        Code::DeadlineExceeded,
        "SEPTET-0016",
        "deadline",
        "the call took longer than its deadline",
        "ask for less at a time, or set a longer deadline",
    )
}

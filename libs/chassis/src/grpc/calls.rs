use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tonic::Code;

use crate::error::fault;

/// How long a stream that always has more to say may go on once the process drains.
const GRACE: Duration = Duration::from_secs(2);

/// How long callers have to hang up once the last reply has left. One that is gone without a word never does.
const HANG_UP: Duration = Duration::from_secs(2);

/// The calls in flight, and the drain that they are to end for.
#[derive(Clone)]
pub(crate) struct Calls {
    stop: CancellationToken,
    open: TaskTracker,
    connections: TaskTracker,
}

impl Calls {
    /// Calls until `stop`.
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, open: TaskTracker::new(), connections: TaskTracker::new() }
    }

    /// Announces the drain.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Counts the connections over which calls come.
    pub fn connections(&self) -> TaskTracker {
        self.connections.clone()
    }

    /// Waits for the drain, and then until every reply has left and its caller knows that no other will come. Connections on
    /// which nothing was ever said are not waited for.
    pub async fn finished(&self) {
        self.stop.cancelled().await;
        self.open.close();
        self.connections.close();
        tokio::select! {
            () = self.connections.wait() => self.open.wait().await,
            () = async { self.open.wait().await; tokio::time::sleep(HANG_UP).await } => {}
        }
    }

    /// Counts a call as long as it lasts, and ends a server stream when the process drains: a follower of events would
    /// else keep its connection, and with it the process, to the last second. The client is told to try again, and
    /// reaches another replica or the next start.
    pub async fn follow(State(calls): State<Self>, request: Request, next: Next) -> Response {
        let open = calls.open.token();
        next.run(request).await.map(|inner| {
            let stop = Box::pin(calls.stop.cancelled_owned());
            Body::new(Ending { inner, stop, stopped: None, ended: false, _open: open })
        })
    }
}

struct Ending {
    inner: Body,
    _open: TaskTrackerToken,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    stopped: Option<Instant>,
    ended: bool,
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.stopped.is_none() && this.stop.as_mut().poll(context).is_ready() {
            this.stopped = Some(Instant::now());
        }
        let late = this.stopped.is_some_and(|at| at.elapsed() > GRACE);
        match Pin::new(&mut this.inner).poll_frame(context) {
            // A reply that is there already is sent whole.
            Poll::Ready(frame) if !late => Poll::Ready(frame),
            Poll::Pending if this.stopped.is_none() => Poll::Pending,
            Poll::Ready(_) | Poll::Pending => {
                this.ended = true;
                Poll::Ready(Some(Ok(Frame::trailers(draining()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn draining() -> HeaderMap {
    let status = fault(
        Code::Unavailable,
        "SEPTET-0015",
        "stream",
        "the server is shutting down",
        "call again; another replica or the next start continues",
    );
    let mut trailers = HeaderMap::new();
    // Cannot fail: the text is plain. The code alone would do as well.
    if status.add_header(&mut trailers).is_err() {
        trailers.insert("grpc-status", http::HeaderValue::from(Code::Unavailable as u16));
    }
    trailers
}

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
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
    pub async fn follow(self: &Arc<Self>, call: impl Future<Output = Response>) -> Response {
        let open = self.open.token();
        call.await.map(|inner| {
            let calls = Arc::clone(self);
            Body::new(Ending {
                inner,
                calls,
                stop: None,
                begun: false,
                stopped: None,
                ended: false,
                _open: open,
            })
        })
    }
}

struct Ending {
    inner: Body,
    calls: Arc<Calls>,
    _open: TaskTrackerToken,
    /// Made when there is something to wait for; most replies are there at once.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    begun: bool,
    stopped: Option<Instant>,
    ended: bool,
}

impl Ending {
    /// Whether a stream that always has more to say has had its time.
    fn is_late(&mut self) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            return false;
        }
        if self.stopped.is_none() && self.calls.stop.is_cancelled() {
            self.stopped = Some(Instant::now());
        }
        self.stopped.is_some_and(|at| at.elapsed() > GRACE)
    }

    /// Whether the process drains; wakes the stream when it does.
    fn stops(&mut self, context: &mut Context<'_>) -> bool {
        let stop = self.stop.get_or_insert_with(|| Box::pin(self.calls.stop.clone().cancelled_owned()));
        stop.as_mut().poll(context).is_ready()
    }
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
        match Pin::new(&mut this.inner).poll_frame(context) {
            // A reply that is there already is sent whole.
            Poll::Ready(frame) if !this.is_late() => Poll::Ready(frame),
            Poll::Pending if !this.stops(context) => Poll::Pending,
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

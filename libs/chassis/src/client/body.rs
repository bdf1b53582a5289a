use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use tonic::{Status, body::Body};

use super::{
    board::Load,
    call::{cut_off, overdue},
};

/// Bytes of a request, or of one reply, that are kept at most.
const LIMIT: usize = 8 * 1024 * 1024;

/// The body of a request.
pub(super) enum Outgoing {
    /// All of it is here, and can be sent again.
    Whole(Bytes),
    /// It comes bit by bit, and only once.
    Stream(Option<Body>),
}

impl Outgoing {
    /// Takes what is there without waiting, which is all of a request that is one message.
    pub fn of(mut body: Body) -> Self {
        let (mut frames, mut size) = (VecDeque::new(), 0);
        loop {
            match body.frame().now_or_never() {
                None => return Self::Stream(Some(Body::new(Prefixed { frames, rest: Some(body) }))),
                Some(None) => break,
                Some(Some(Ok(frame))) => {
                    let data = frame.data_ref().map(Bytes::len);
                    frames.push_back(Ok(frame));
                    size += data.unwrap_or(LIMIT);
                }
                Some(Some(Err(error))) => frames.push_back(Err(error)),
            }
            if size >= LIMIT || matches!(frames.back(), Some(Err(_))) {
                return Self::Stream(Some(Body::new(Prefixed { frames, rest: Some(body) })));
            }
        }
        let mut parts = frames.into_iter().flatten().filter_map(|frame| frame.into_data().ok());
        let first = parts.next().unwrap_or_default();
        let Some(second) = parts.next() else { return Self::Whole(first) };
        let mut whole = BytesMut::with_capacity(size);
        [first, second].into_iter().chain(parts).for_each(|part| whole.extend_from_slice(&part));
        Self::Whole(whole.freeze())
    }

    /// The body to send; `None` where it was sent before and cannot be again.
    pub fn send(&mut self) -> Option<Body> {
        match self {
            Self::Whole(bytes) => Some(Body::new(Full::new(bytes.clone()))),
            Self::Stream(body) => body.take(),
        }
    }

    /// Takes back a body that was not sent.
    pub fn give_back(&mut self, body: Body) {
        if let Self::Stream(sent) = self {
            *sent = Some(body);
        }
    }

    /// Whether [`Outgoing::send`] gives a body.
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Whole(_) | Self::Stream(Some(_)))
    }

    /// The bytes, where they can be sent again.
    pub fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Stream(_) => None,
        }
    }
}

/// The reply to one request.
pub(super) struct Reply {
    frames: VecDeque<Result<Frame<Bytes>, Status>>,
    rest: Option<Incoming>,
}

impl Reply {
    /// Reads all of a reply, unless it is too large to keep.
    pub async fn read(mut body: Incoming) -> hyper::Result<Self> {
        let (mut frames, mut size) = (VecDeque::with_capacity(2), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            size += frame.data_ref().map_or(0, Bytes::len);
            frames.push_back(Ok(frame));
            if size >= LIMIT {
                return Ok(Self { frames, rest: Some(body) });
            }
        }
        Ok(Self { frames, rest: None })
    }

    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.frames.back().and_then(|frame| frame.as_ref().ok()).and_then(Frame::trailers_ref)
    }

    pub fn into_body(self, load: Load, deadline: Option<Instant>) -> Body {
        let rest = self.rest.map(|rest| Body::new(Followed::new(rest, load, deadline)));
        Body::new(Prefixed { frames: self.frames, rest })
    }
}

/// Frames that are here already, then the others.
struct Prefixed {
    frames: VecDeque<Result<Frame<Bytes>, Status>>,
    rest: Option<Body>,
}

impl HttpBody for Prefixed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match (self.frames.pop_front(), &mut self.rest) {
            (Some(frame), _) => Poll::Ready(Some(frame)),
            (None, Some(rest)) => Pin::new(rest).poll_frame(context),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A stream of replies: counts on its connection until it ends, which is at the deadline at the latest.
pub(super) struct Followed {
    inner: Incoming,
    _load: Load,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl Followed {
    pub fn new(inner: Incoming, load: Load, deadline: Option<Instant>) -> Self {
        let deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
        Self { inner, _load: load, deadline, ended: false }
    }
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            this.ended = !matches!(frame, Some(Ok(_)));
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| cut_off(&error))));
        }
        let Some(deadline) = &mut this.deadline else { return Poll::Pending };
        ready!(deadline.as_mut().poll(context));
        this.ended = true;
        Poll::Ready(Some(Err(overdue())))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

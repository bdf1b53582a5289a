use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::call::Call;
use super::code::Code;

pin_project! {
    /// The future of a traced call: runs inside the call's span, and hands the call on to the reply's body.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        call: Option<Call>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, call: Call) -> Self {
        Self { inner, call: Some(call) }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = {
            let _inside = this.call.as_ref().map(|call| call.span().enter());
            ready!(this.inner.poll(cx))
        };
        let mut call = this.call.take();
        Poll::Ready(match result {
            Ok(response) => {
                // An error without a body has its status in the headers, and hyper then never polls the body.
                let code = Code::of(response.headers()).or_else(|| Code::of_http(response.status()));
                if let (Some(call), Some(code)) = (&mut call, code) {
                    call.set_code(code);
                }
                Ok(response.map(|inner| ResponseBody { inner, call }))
            }
            Err(error) => {
                if let Some(call) = &mut call {
                    call.fail();
                }
                Err(error)
            }
        })
    }
}

pin_project! {
    /// The body of a traced call's reply. The call ends with its trailers, or when it is dropped.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        call: Option<Call>,
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let frame = {
            let _inside = this.call.as_ref().map(|call| call.span().enter());
            ready!(this.inner.poll_frame(cx))
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref()
                    && let Some(mut call) = this.call.take()
                {
                    if let Some(code) = Code::of(trailers) {
                        call.set_code(code);
                    }
                    call.end();
                }
            }
            Some(Err(_)) => {
                if let Some(mut call) = this.call.take() {
                    call.fail();
                }
            }
            None => {
                if let Some(mut call) = this.call.take() {
                    call.end();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Default> Default for ResponseBody<B> {
    /// An empty body that belongs to no call; tonic makes one where it answers in the service's stead.
    fn default() -> Self {
        Self { inner: B::default(), call: None }
    }
}

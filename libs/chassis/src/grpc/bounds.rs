use std::{future::Future, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use tokio::{sync::Semaphore, time::Instant};
use tonic::Code;

use crate::{auth::HEALTH, config::GrpcConfig, deadline, error::fault};

/// The longest deadline that a caller may set.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How many calls at a time, and how long each may take. A stream counts until its first message only.
pub(crate) struct Bounds {
    calls: Semaphore,
    timeout: Duration,
}

impl Bounds {
    pub fn new(config: &GrpcConfig) -> Self {
        Self {
            calls: Semaphore::new(config.max_concurrent_calls.clamp(1, Semaphore::MAX_PERMITS)),
            timeout: Duration::from_secs(config.call_timeout_secs.max(1)),
        }
    }

    /// Runs a call within the bounds.
    pub async fn apply<F>(&self, request: Request, run: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        // A process that has much to do is not one to restart.
        if request.uri().path().starts_with(HEALTH) {
            return run(request).await;
        }
        let Ok(_permit) = self.calls.try_acquire() else {
            return fault(
                Code::ResourceExhausted,
                "SEPTET-0013",
                "calls",
                "too many calls run at the same time",
                "try again with a pause",
            )
            .into_http::<Body>();
        };
        let limit = deadline::asked(request.headers()).map_or(self.timeout, |asked| asked.min(LONGEST));
        let end = Instant::now() + limit;
        match tokio::time::timeout_at(end, deadline::within(end, run(request))).await {
            Ok(response) => response,
            Err(_elapsed) => fault(
                Code::DeadlineExceeded,
                "SEPTET-0016",
                "deadline",
                "the call took longer than its deadline",
                "ask for less at a time, or set a longer deadline",
            )
            .into_http::<Body>(),
        }
    }
}

//! The service under test. What a call does follows from the repository that it names.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use septet_chassis::{Channel, Cx, Handle, HandleError, Identity, fault};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::{
    GetReviewRequest, GetReviewResponse, ListFindingsRequest, ListFindingsResponse, ListReviewsRequest,
    ListReviewsResponse, Review, ReviewCompleted, ReviewDiffRequest, ReviewDiffResponse,
    review_service_client::ReviewServiceClient, review_service_server::ReviewService,
};
use tokio::sync::Semaphore;
use tonic::{Code, Request, Response, Status};

/// What the test and the service share.
pub struct Script {
    /// A permit for each call that has begun to wait.
    pub waiting: Semaphore,
    /// Lets calls that wait go on.
    pub gate: Semaphore,
    /// Calls that were dropped before they had an answer.
    pub dropped: AtomicUsize,
    /// Calls that have come.
    pub calls: AtomicUsize,
    /// Calls that are to fail as if the service were not available.
    pub failing: AtomicUsize,
    /// Where a call is passed on to.
    pub next: OnceLock<Channel>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            waiting: Semaphore::new(0),
            gate: Semaphore::new(0),
            dropped: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            failing: AtomicUsize::new(0),
            next: OnceLock::new(),
        }
    }
}

impl Script {
    /// How many calls have come.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts a call, which may have to fail.
    fn call(&self) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let less = |failing: usize| failing.checked_sub(1);
        match self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Err(Status::unavailable("on purpose")),
            Err(_) => Ok(()),
        }
    }
}

pub struct Probe {
    pub script: Arc<Script>,
}

/// Counts itself where it is not disarmed.
struct Dropped(Option<Arc<Script>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(script) = &self.0 {
            script.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A reply that says something.
fn answer(id: String) -> Response<ReviewDiffResponse> {
    let review = Review { id, ..Review::default() };
    Response::new(ReviewDiffResponse { review: Some(review), findings: Vec::new() })
}

fn told<T>(request: &Request<T>, header: &str) -> String {
    let value = request.metadata().get(header).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

#[tonic::async_trait]
impl ReviewService for Probe {
    async fn review_diff(
        &self,
        request: Request<ReviewDiffRequest>,
    ) -> Result<Response<ReviewDiffResponse>, Status> {
        let caller = request.extensions().get::<Identity>().cloned().expect("the stack puts it there");
        self.script.call()?;
        match request.get_ref().repository.as_str() {
            "deadline" => return Ok(answer(told(&request, "grpc-timeout"))),
            "pass on" => {
                let next = self.script.next.get().expect("set by the test").clone();
                let request = ReviewDiffRequest { repository: "deadline".to_owned(), ..Default::default() };
                return ReviewServiceClient::new(next).review_diff(request).await;
            }
            "panic" => panic!("hunter2"),
            "fault" => {
                return Err(fault(Code::NotFound, "REVIEW-0099", "review", "not there", "look elsewhere"));
            }
            "slow" => {
                let _dropped = Dropped(Some(self.script.clone()));
                tokio::time::sleep(Duration::from_secs(3_600)).await;
            }
            "wait" => {
                let mut dropped = Dropped(Some(self.script.clone()));
                self.script.waiting.add_permits(1);
                if let Ok(permit) = self.script.gate.acquire().await {
                    permit.forget();
                }
                dropped.0 = None;
            }
            _ => {}
        }
        Ok(answer(caller.subject.to_string()))
    }

    async fn get_review(
        &self,
        request: Request<GetReviewRequest>,
    ) -> Result<Response<GetReviewResponse>, Status> {
        self.script.call()?;
        let review = Review { id: request.into_inner().review_id, ..Review::default() };
        Ok(Response::new(GetReviewResponse { review: Some(review) }))
    }

    async fn list_reviews(
        &self,
        _: Request<ListReviewsRequest>,
    ) -> Result<Response<ListReviewsResponse>, Status> {
        Ok(Response::new(ListReviewsResponse::default()))
    }

    async fn list_findings(
        &self,
        _: Request<ListFindingsRequest>,
    ) -> Result<Response<ListFindingsResponse>, Status> {
        Ok(Response::new(ListFindingsResponse::default()))
    }
}

impl Handle<ChangePushed> for Probe {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        match event.change_id.as_str() {
            "reject" => return Err(HandleError::reject("REVIEW-0098", "never")),
            "wait" => {
                self.script.waiting.add_permits(1);
                self.script.gate.acquire().await?.forget();
            }
            _ => {}
        }
        cx.publish(&ReviewCompleted { change_id: event.change_id, ..ReviewCompleted::default() })?;
        Ok(())
    }
}

//! The service under test. What a call does follows from the repository that it names.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use septet_chassis::{Cx, Handle, HandleError, Identity, fault};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::{
    GetReviewRequest, GetReviewResponse, ListFindingsRequest, ListFindingsResponse, ListReviewsRequest,
    ListReviewsResponse, Review, ReviewCompleted, ReviewDiffRequest, ReviewDiffResponse,
    review_service_server::ReviewService,
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
}

impl Default for Script {
    fn default() -> Self {
        Self { waiting: Semaphore::new(0), gate: Semaphore::new(0), dropped: AtomicUsize::new(0) }
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

#[tonic::async_trait]
impl ReviewService for Probe {
    async fn review_diff(
        &self,
        request: Request<ReviewDiffRequest>,
    ) -> Result<Response<ReviewDiffResponse>, Status> {
        let caller = request.extensions().get::<Identity>().cloned().expect("the stack puts it there");
        match request.get_ref().repository.as_str() {
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
        let review = Review { id: caller.subject.to_string(), ..Review::default() };
        Ok(Response::new(ReviewDiffResponse { review: Some(review), findings: Vec::new() }))
    }

    async fn get_review(
        &self,
        request: Request<GetReviewRequest>,
    ) -> Result<Response<GetReviewResponse>, Status> {
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

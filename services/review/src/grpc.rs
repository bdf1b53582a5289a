use septet_chassis::{Identity, RequestKey, contract::Message, page_size};
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_review::v1::{
    self, GetReviewRequest, GetReviewResponse, ListFindingsRequest, ListFindingsResponse, ListReviewsRequest,
    ListReviewsResponse, ReviewDiffRequest, ReviewDiffResponse, review_service_server::ReviewService,
};
use tonic::{Request, Response, Status};

use crate::{
    Review,
    error::Error,
    store::{self, FindingsFilter, Place, ReviewsFilter, Subject},
};

/// Largest diff of a call, in bytes.
const MAX_DIFF: usize = 3 << 20;

#[tonic::async_trait]
impl ReviewService for Review {
    async fn review_diff(
        &self,
        request: Request<ReviewDiffRequest>,
    ) -> Result<Response<ReviewDiffResponse>, Status> {
        let caller = request
            .extensions()
            .get::<Identity>()
            .map_or_else(String::new, |identity| identity.subject.to_string());
        let request = request.into_inner();
        limited("request_id", &request.request_id, 64)?;
        required("repository", &request.repository, 256)?;
        limited("commit", &request.commit, 256)?;
        if request.diff.len() > MAX_DIFF {
            return Err(invalid("diff", format!("is longer than {MAX_DIFF} bytes")).into());
        }
        Ok(Response::new(self.diff(request, &caller).await?))
    }

    async fn get_review(
        &self,
        request: Request<GetReviewRequest>,
    ) -> Result<Response<GetReviewResponse>, Status> {
        let GetReviewRequest { review_id, change_id } = request.into_inner();
        let mut tx = self.units.read().await.map_err(Error::from)?;
        let (field, review) = match (review_id.as_str(), change_id.as_str()) {
            ("", "") => return Err(invalid("review_id", "or `change_id` must be given").into()),
            ("", change_id) => ("change_id", store::by_change(&mut tx, change_id).await),
            (review_id, "") => ("review_id", store::by_id(&mut tx, review_id).await),
            _ => return Err(invalid("change_id", "cannot be given together with `review_id`").into()),
        };
        let review = review.map_err(Error::from)?.ok_or(Error::NotFound(field))?;
        Ok(Response::new(GetReviewResponse { review: Some(review) }))
    }

    async fn list_reviews(
        &self,
        request: Request<ListReviewsRequest>,
    ) -> Result<Response<ListReviewsResponse>, Status> {
        let request = request.into_inner();
        let verdict = request.verdict();
        let page = request.page.unwrap_or_default();
        let size = page_size(&page)?;
        let filter = ReviewsFilter { repository_id: request.repository_id, verdict };
        Ok(Response::new(self.reviews(&filter, &page, size).await?))
    }

    async fn list_findings(
        &self,
        request: Request<ListFindingsRequest>,
    ) -> Result<Response<ListFindingsResponse>, Status> {
        let request = request.into_inner();
        let min_severity = request.min_severity();
        let page = request.page.unwrap_or_default();
        let size = page_size(&page)?;
        let filter = FindingsFilter {
            review_id: request.review_id,
            change_id: request.change_id,
            repository_id: request.repository_id,
            min_severity,
        };
        Ok(Response::new(self.findings(&filter, &page, size).await?))
    }
}

impl Review {
    async fn diff(&self, request: ReviewDiffRequest, caller: &str) -> Result<ReviewDiffResponse, Error> {
        let key = RequestKey::new(ReviewDiffRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        // Not while the transaction is open: a scan takes its time.
        drop(cx);
        let outcome = self.reviewer.review(request.diff, &request.commit).await?;
        let mut cx = self.units.begin(Default::default());
        let subject = Subject {
            change_id: String::new(),
            repository_id: String::new(),
            repository_name: request.repository,
            commit: request.commit,
        };
        let stored = self.complete(&mut cx, subject, &outcome).await?;
        let findings = stored.shown();
        let reply = ReviewDiffResponse { review: Some(stored.review), findings };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    async fn reviews(
        &self,
        filter: &ReviewsFilter,
        page: &PageRequest,
        size: u32,
    ) -> Result<ListReviewsResponse, Error> {
        let mut tx = self.units.read().await?;
        // One more than asked for tells whether there is another page.
        let mut reviews = store::list_reviews(&mut tx, filter, &page.page_token, size + 1).await?;
        let totals = store::totals(&mut tx, filter).await?;
        let more = reviews.len() > size as usize;
        reviews.truncate(size as usize);
        let next_page_token =
            reviews.last().filter(|_| more).map_or_else(String::new, |review| review.id.clone());
        Ok(ListReviewsResponse {
            reviews,
            page: Some(PageResponse { next_page_token }),
            total: totals.reviews,
            failed: totals.failed,
            findings: totals.findings,
        })
    }

    async fn findings(
        &self,
        filter: &FindingsFilter,
        page: &PageRequest,
        size: u32,
    ) -> Result<ListFindingsResponse, Error> {
        let after = (!page.page_token.is_empty()).then(|| place(&page.page_token)).transpose()?;
        let mut tx = self.units.read().await?;
        let mut found = store::list_findings(&mut tx, filter, after.as_ref(), size + 1).await?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let next_page_token = found
            .last()
            .filter(|_| more)
            .map_or_else(String::new, |(place, _)| format!("{}:{}", place.severity, place.id));
        let findings: Vec<v1::ListedFinding> = found.into_iter().map(|(_, finding)| finding).collect();
        Ok(ListFindingsResponse { findings, page: Some(PageResponse { next_page_token }) })
    }
}

fn place(token: &str) -> Result<Place, Error> {
    let read = || {
        let (severity, id) = token.split_once(':')?;
        Some(Place { severity: severity.parse().ok()?, id: id.to_owned() })
    };
    read().ok_or_else(|| invalid("page.page_token", "is not one that this service gave out"))
}

fn required(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.is_empty() { Err(invalid(field, "is missing")) } else { limited(field, text, limit) }
}

fn limited(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.len() > limit { Err(invalid(field, format!("is longer than {limit} bytes"))) } else { Ok(()) }
}

fn invalid(field: &'static str, problem: impl Into<String>) -> Error {
    Error::Invalid { field, problem: problem.into() }
}

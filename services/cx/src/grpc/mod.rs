//! Protobuf to domain and back.

mod evaluate;
mod experiments;
mod features;
mod fields;

use septet_chassis::Identity;
use septet_proto_cx::v1::{cx_service_server::CxService, *};
use tonic::{Request, Response, Status, Streaming};

use crate::{Experience, error::Error};

/// Who calls, and what is asked.
fn taken<M>(request: Request<M>) -> (String, M) {
    let caller = request
        .extensions()
        .get::<Identity>()
        .map_or_else(String::new, |identity| identity.subject.to_string());
    (caller, request.into_inner())
}

fn replied<M>(reply: Result<M, Error>) -> Result<Response<M>, Status> {
    Ok(Response::new(reply?))
}

#[tonic::async_trait]
impl CxService for Experience {
    async fn check_guardrails(
        &self,
        request: Request<CheckGuardrailsRequest>,
    ) -> Result<Response<CheckGuardrailsResponse>, Status> {
        replied(self.check(request.into_inner()).await)
    }

    async fn evaluate(
        &self,
        request: Request<EvaluateRequest>,
    ) -> Result<Response<EvaluateResponse>, Status> {
        replied(self.evaluated(request.into_inner()).await)
    }

    async fn put_feature(
        &self,
        request: Request<PutFeatureRequest>,
    ) -> Result<Response<PutFeatureResponse>, Status> {
        let (caller, request) = taken(request);
        replied(self.put(&caller, request).await)
    }

    async fn get_feature(
        &self,
        request: Request<GetFeatureRequest>,
    ) -> Result<Response<GetFeatureResponse>, Status> {
        replied(self.get(request.into_inner()).await)
    }

    async fn list_features(
        &self,
        request: Request<ListFeaturesRequest>,
    ) -> Result<Response<ListFeaturesResponse>, Status> {
        let request = request.into_inner();
        let page = fields::page(request.page)?;
        replied(self.features(request.include_archived, &page).await)
    }

    async fn archive_feature(
        &self,
        request: Request<ArchiveFeatureRequest>,
    ) -> Result<Response<ArchiveFeatureResponse>, Status> {
        let (caller, request) = taken(request);
        replied(self.archive(&caller, request).await)
    }

    async fn put_saved_group(
        &self,
        request: Request<PutSavedGroupRequest>,
    ) -> Result<Response<PutSavedGroupResponse>, Status> {
        let (caller, request) = taken(request);
        replied(self.put_group(&caller, request).await)
    }

    async fn put_experiment(
        &self,
        request: Request<PutExperimentRequest>,
    ) -> Result<Response<PutExperimentResponse>, Status> {
        let (caller, request) = taken(request);
        replied(self.experiment(&caller, request).await)
    }

    async fn list_experiments(
        &self,
        request: Request<ListExperimentsRequest>,
    ) -> Result<Response<ListExperimentsResponse>, Status> {
        let mut request = request.into_inner();
        let page = fields::page(request.page.take())?;
        replied(self.experiments(&request, &page).await)
    }

    async fn conclude_experiment(
        &self,
        request: Request<ConcludeExperimentRequest>,
    ) -> Result<Response<ConcludeExperimentResponse>, Status> {
        let (caller, request) = taken(request);
        replied(self.conclude(&caller, request).await)
    }

    async fn get_results(
        &self,
        request: Request<GetResultsRequest>,
    ) -> Result<Response<GetResultsResponse>, Status> {
        replied(self.results(request.into_inner()).await)
    }

    async fn query_funnel(
        &self,
        request: Request<QueryFunnelRequest>,
    ) -> Result<Response<QueryFunnelResponse>, Status> {
        replied(self.funnel(request.into_inner()).await)
    }

    async fn ingest_activity(
        &self,
        request: Request<Streaming<IngestActivityRequest>>,
    ) -> Result<Response<IngestActivityResponse>, Status> {
        self.ingest(request.into_inner()).await.map(Response::new)
    }
}

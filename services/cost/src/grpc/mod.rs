//! Protobuf to the domain and back.

mod budgets;
mod costs;
mod estimates;
mod import;

use septet_chassis::Identity;
use septet_proto_cost::v1::{
    DeleteBudgetRequest, DeleteBudgetResponse, EstimateReleaseRequest, EstimateReleaseResponse,
    ForecastCostRequest, ForecastCostResponse, GetEstimateRequest, GetEstimateResponse, ImportChargesRequest,
    ImportChargesResponse, ListBudgetsRequest, ListBudgetsResponse, ListEstimatesRequest,
    ListEstimatesResponse, PutBudgetRequest, PutBudgetResponse, QueryCostRequest, QueryCostResponse,
    cost_service_server::CostService,
};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    Cost,
    error::{Error, wrong},
};

#[tonic::async_trait]
impl CostService for Cost {
    async fn estimate_release(
        &self,
        request: Request<EstimateReleaseRequest>,
    ) -> Result<Response<EstimateReleaseResponse>, Status> {
        Ok(Response::new(self.estimate_now(request.into_inner()).await?))
    }

    async fn get_estimate(
        &self,
        request: Request<GetEstimateRequest>,
    ) -> Result<Response<GetEstimateResponse>, Status> {
        Ok(Response::new(self.estimate_of(&request.into_inner().change_id).await?))
    }

    async fn list_estimates(
        &self,
        request: Request<ListEstimatesRequest>,
    ) -> Result<Response<ListEstimatesResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.clone().unwrap_or_default();
        let size = septet_chassis::page_size(&page)?;
        Ok(Response::new(self.estimates(&request, &page, size).await?))
    }

    async fn import_charges(
        &self,
        request: Request<Streaming<ImportChargesRequest>>,
    ) -> Result<Response<ImportChargesResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(self.import(request.into_inner(), &caller).await?))
    }

    async fn query_cost(
        &self,
        request: Request<QueryCostRequest>,
    ) -> Result<Response<QueryCostResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.clone().unwrap_or_default();
        let size = septet_chassis::page_size(&page)?;
        Ok(Response::new(self.costs(&request, &page, size).await?))
    }

    async fn forecast_cost(
        &self,
        request: Request<ForecastCostRequest>,
    ) -> Result<Response<ForecastCostResponse>, Status> {
        Ok(Response::new(self.forecast(&request.into_inner()).await?))
    }

    async fn put_budget(
        &self,
        request: Request<PutBudgetRequest>,
    ) -> Result<Response<PutBudgetResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        limited("request_id", &request.request_id, 64)?;
        Ok(Response::new(self.set_budget(request, &caller).await?))
    }

    async fn list_budgets(
        &self,
        request: Request<ListBudgetsRequest>,
    ) -> Result<Response<ListBudgetsResponse>, Status> {
        let page = request.into_inner().page.unwrap_or_default();
        let size = septet_chassis::page_size(&page)?;
        Ok(Response::new(self.budgets(&page, size).await?))
    }

    async fn delete_budget(
        &self,
        request: Request<DeleteBudgetRequest>,
    ) -> Result<Response<DeleteBudgetResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        limited("request_id", &request.request_id, 64)?;
        Ok(Response::new(self.remove_budget(&request, &caller).await?))
    }
}

fn caller<T>(request: &Request<T>) -> String {
    let identity = request.extensions().get::<Identity>();
    identity.map_or_else(String::new, |identity| identity.subject.to_string())
}

fn limited(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.len() > limit { Err(wrong(field, format!("is longer than {limit} bytes"))) } else { Ok(()) }
}

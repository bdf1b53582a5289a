mod fields;
mod pipelines;
mod run;
mod runs;
mod watch;

use futures_util::stream::BoxStream;
use septet_chassis::Identity;
use septet_proto_pipeline::v1::{
    CancelRunRequest, CancelRunResponse, DeletePipelineRequest, DeletePipelineResponse, GetRunRequest,
    GetRunResponse, ListPipelinesRequest, ListPipelinesResponse, ListRunsRequest, ListRunsResponse,
    PutPipelineRequest, PutPipelineResponse, SubmitRunRequest, SubmitRunResponse, WatchRunRequest,
    WatchRunResponse, pipeline_service_server::PipelineService,
};
use tonic::{Request, Response, Status};

use crate::Pipelines;

#[tonic::async_trait]
impl PipelineService for Pipelines {
    type WatchRunStream = BoxStream<'static, Result<WatchRunResponse, Status>>;

    async fn submit_run(
        &self,
        request: Request<SubmitRunRequest>,
    ) -> Result<Response<SubmitRunResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(self.submit(request.into_inner(), &caller).await?))
    }

    async fn get_run(&self, request: Request<GetRunRequest>) -> Result<Response<GetRunResponse>, Status> {
        Ok(Response::new(self.run(request.into_inner()).await?))
    }

    async fn list_runs(
        &self,
        request: Request<ListRunsRequest>,
    ) -> Result<Response<ListRunsResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.clone().unwrap_or_default();
        let size = septet_chassis::page_size(&page)?;
        Ok(Response::new(self.runs(request, &page, size).await?))
    }

    async fn watch_run(
        &self,
        request: Request<WatchRunRequest>,
    ) -> Result<Response<Self::WatchRunStream>, Status> {
        Ok(Response::new(self.watch(request.into_inner().run_id).await?))
    }

    async fn cancel_run(
        &self,
        request: Request<CancelRunRequest>,
    ) -> Result<Response<CancelRunResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(self.cancel(request.into_inner(), &caller).await?))
    }

    async fn put_pipeline(
        &self,
        request: Request<PutPipelineRequest>,
    ) -> Result<Response<PutPipelineResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(self.put(request.into_inner(), &caller).await?))
    }

    async fn list_pipelines(
        &self,
        request: Request<ListPipelinesRequest>,
    ) -> Result<Response<ListPipelinesResponse>, Status> {
        let page = request.into_inner().page.unwrap_or_default();
        let size = septet_chassis::page_size(&page)?;
        Ok(Response::new(self.pipelines(&page, size).await?))
    }

    async fn delete_pipeline(
        &self,
        request: Request<DeletePipelineRequest>,
    ) -> Result<Response<DeletePipelineResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(self.delete(request.into_inner(), &caller).await?))
    }
}

fn caller<T>(request: &Request<T>) -> String {
    let identity = request.extensions().get::<Identity>();
    identity.map_or_else(String::new, |identity| identity.subject.to_string())
}

//! Stands in for devops: knows changes, and nothing else.

use std::{net::SocketAddr, sync::Arc};

use futures_util::stream::Empty;
use septet_proto_devops::v1::{
    self, Change, GetChangeRequest, GetChangeResponse,
    devops_service_server::{DevopsService, DevopsServiceServer},
};
use tokio::sync::Mutex;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// What it knows, and how often it was asked.
#[derive(Default)]
pub struct Known {
    pub changes: Vec<Change>,
    pub asked: usize,
}

pub struct Devops(Arc<Mutex<Known>>);

/// Serves until the test ends.
pub async fn serve() -> (SocketAddr, Arc<Mutex<Known>>) {
    let known = Arc::new(Mutex::new(Known::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = DevopsServiceServer::new(Devops(Arc::clone(&known)));
    tokio::spawn(Server::builder().add_service(server).serve_with_incoming(TcpListenerStream::new(listener)));
    (address, known)
}

macro_rules! not_served {
    ($($name:ident($request:ident) -> $reply:ty;)+) => {
        #[tonic::async_trait]
        impl DevopsService for Devops {
            async fn get_change(
                &self,
                request: Request<GetChangeRequest>,
            ) -> Result<Response<GetChangeResponse>, Status> {
                let id = request.into_inner().change_id;
                let mut known = self.0.lock().await;
                known.asked += 1;
                let change = known.changes.iter().find(|change| change.id == id).cloned();
                let change = change.ok_or_else(|| Status::not_found("no such change"))?;
                Ok(Response::new(GetChangeResponse { change: Some(change) }))
            }

            type GetDiffStream = Empty<Result<v1::GetDiffResponse, Status>>;
            type WatchChangesStream = Empty<Result<v1::WatchChangesResponse, Status>>;
            type WatchJourneyStream = Empty<Result<v1::WatchJourneyResponse, Status>>;
            type GetTreeStream = Empty<Result<v1::GetTreeResponse, Status>>;
            type GetBlobsStream = Empty<Result<v1::GetBlobsResponse, Status>>;

            $(async fn $name(&self, _: Request<v1::$request>) -> Result<Response<$reply>, Status> {
                Err(Status::unimplemented("not here"))
            })+
        }
    };
}

not_served! {
    register_repository(RegisterRepositoryRequest) -> v1::RegisterRepositoryResponse;
    list_repositories(ListRepositoriesRequest) -> v1::ListRepositoriesResponse;
    list_changes(ListChangesRequest) -> v1::ListChangesResponse;
    get_diff(GetDiffRequest) -> Self::GetDiffStream;
    watch_changes(WatchChangesRequest) -> Self::WatchChangesStream;
    get_journey(GetJourneyRequest) -> v1::GetJourneyResponse;
    watch_journey(WatchJourneyRequest) -> Self::WatchJourneyStream;
    get_tree(GetTreeRequest) -> Self::GetTreeStream;
    get_blobs(GetBlobsRequest) -> Self::GetBlobsStream;
    get_release(GetReleaseRequest) -> v1::GetReleaseResponse;
    list_releases(ListReleasesRequest) -> v1::ListReleasesResponse;
    check_release(CheckReleaseRequest) -> v1::CheckReleaseResponse;
    analyze_repository(AnalyzeRepositoryRequest) -> v1::AnalyzeRepositoryResponse;
    generate_pipeline(GeneratePipelineRequest) -> v1::GeneratePipelineResponse;
}

//! Stands in for devops: has trees and blobs, and counts what is fetched.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
};

use septet_proto_devops::v1::{
    self, Change, GetBlobsRequest, GetBlobsResponse, GetChangeRequest, GetChangeResponse, GetTreeRequest,
    GetTreeResponse, TreeFile,
    devops_service_server::{DevopsService, DevopsServiceServer},
};
use tokio::sync::Mutex;
use tokio_stream::{Stream, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, transport::Server};

/// Paths and contents.
pub type Files = Vec<(String, String)>;

/// What it has.
#[derive(Default)]
pub struct Has {
    /// Files of each change and of its parent.
    pub changes: HashMap<String, (Files, Files)>,
    blobs: BTreeMap<String, String>,
    /// Blobs that were fetched, in their order.
    pub fetched: Vec<String>,
    /// Trees that were asked for.
    pub trees: usize,
}

pub struct Devops(Arc<Mutex<Has>>);

/// Serves until the test ends.
pub async fn serve() -> (SocketAddr, Arc<Mutex<Has>>) {
    let has = Arc::new(Mutex::new(Has::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = DevopsServiceServer::new(Devops(Arc::clone(&has)));
    tokio::spawn(Server::builder().add_service(server).serve_with_incoming(TcpListenerStream::new(listener)));
    (address, has)
}

/// A name for a content that is as good as a hash here.
fn blob(text: &str) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    text.bytes().for_each(|byte| sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{sum:040x}")
}

type Answer<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn answer<T: Send + 'static>(all: Vec<T>) -> Response<Answer<T>> {
    Response::new(Box::pin(tokio_stream::iter(all.into_iter().map(Ok))))
}

macro_rules! devops {
    ($($name:ident($request:ident) -> $reply:ty;)+) => {
        #[tonic::async_trait]
        impl DevopsService for Devops {
            type GetDiffStream = Answer<v1::GetDiffResponse>;
            type WatchChangesStream = Answer<v1::WatchChangesResponse>;
            type WatchJourneyStream = Answer<v1::WatchJourneyResponse>;
            type GetTreeStream = Answer<GetTreeResponse>;
            type GetBlobsStream = Answer<GetBlobsResponse>;

            async fn get_change(
                &self,
                request: Request<GetChangeRequest>,
            ) -> Result<Response<GetChangeResponse>, Status> {
                let id = request.into_inner().change_id;
                let has = self.0.lock().await;
                has.changes.get(&id).ok_or_else(|| Status::not_found("no such change"))?;
                let change = Change { id, repository_id: "repository".to_owned(), ..Change::default() };
                Ok(Response::new(GetChangeResponse { change: Some(change) }))
            }

            async fn get_tree(
                &self,
                request: Request<GetTreeRequest>,
            ) -> Result<Response<Self::GetTreeStream>, Status> {
                let request = request.into_inner();
                let mut has = self.0.lock().await;
                has.trees += 1;
                let id = if request.change_id.is_empty() { request.commit } else { request.change_id };
                let (head, parent) =
                    has.changes.get(&id).cloned().ok_or_else(|| Status::not_found("no such change"))?;
                let files = if request.of_parent { parent } else { head };
                let pieces = files.into_iter().map(|(path, text)| {
                    let file = TreeFile { path, blob: blob(&text), size: text.len() as u64, ..TreeFile::default() };
                    has.blobs.insert(file.blob.clone(), text);
                    GetTreeResponse { files: vec![file] }
                });
                Ok(answer(pieces.collect()))
            }

            async fn get_blobs(
                &self,
                request: Request<GetBlobsRequest>,
            ) -> Result<Response<Self::GetBlobsStream>, Status> {
                let mut has = self.0.lock().await;
                let mut pieces = Vec::new();
                for blob in request.into_inner().blobs {
                    has.fetched.push(blob.clone());
                    let text = has.blobs.get(&blob).cloned().unwrap_or_default();
                    let (first, second) = text.as_bytes().split_at(text.len() / 2);
                    for (data, last) in [(first, false), (second, true)] {
                        let data = data.to_vec().into();
                        pieces.push(GetBlobsResponse { blob: blob.clone(), data, last, absent: false });
                    }
                }
                Ok(answer(pieces))
            }

            $(async fn $name(&self, _: Request<v1::$request>) -> Result<Response<$reply>, Status> {
                Err(Status::unimplemented("not here"))
            })+
        }
    };
}

devops! {
    register_repository(RegisterRepositoryRequest) -> v1::RegisterRepositoryResponse;
    list_repositories(ListRepositoriesRequest) -> v1::ListRepositoriesResponse;
    list_changes(ListChangesRequest) -> v1::ListChangesResponse;
    get_diff(GetDiffRequest) -> Self::GetDiffStream;
    watch_changes(WatchChangesRequest) -> Self::WatchChangesStream;
    get_journey(GetJourneyRequest) -> v1::GetJourneyResponse;
    watch_journey(WatchJourneyRequest) -> Self::WatchJourneyStream;
    get_release(GetReleaseRequest) -> v1::GetReleaseResponse;
    list_releases(ListReleasesRequest) -> v1::ListReleasesResponse;
    check_release(CheckReleaseRequest) -> v1::CheckReleaseResponse;
    analyze_repository(AnalyzeRepositoryRequest) -> v1::AnalyzeRepositoryResponse;
    generate_pipeline(GeneratePipelineRequest) -> v1::GeneratePipelineResponse;
}

//! devops as pipeline calls it: one change, its tree and its generated pipeline.

use std::net::SocketAddr;

use axum::{Router, extract::Request, routing::post};
use septet_proto_devops::v1::{
    Change, GeneratePipelineRequest, GeneratePipelineResponse, GetBlobsRequest, GetBlobsResponse,
    GetChangeRequest, GetChangeResponse, GetTreeRequest, GetTreeResponse, Pipeline, PipelineJob,
    PipelineJobKind, PipelineStep, TreeFile,
};
use serde_json::{Value, json};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Status, server::Grpc, service::Routes, transport::Server};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// A file of the tree.
#[derive(Clone)]
pub struct File {
    pub path: &'static str,
    pub content: &'static str,
    pub executable: bool,
    pub link: bool,
}

pub fn file(path: &'static str, content: &'static str) -> File {
    File { path, content, executable: false, link: false }
}

/// devops with a tree whose test job runs these lines in the folder `web`. Gives the setting for who calls it.
pub async fn serve(files: Vec<File>, lines: &[&str]) -> Value {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let step = PipelineStep { name: "test".to_owned(), run: lines.join("\n") };
    let job = |kind: PipelineJobKind| PipelineJob {
        id: "test-web".to_owned(),
        name: "Test web".to_owned(),
        kind: kind.into(),
        directory: "web".to_owned(),
        steps: vec![step.clone()],
        ..PipelineJob::default()
    };
    let pipeline =
        Pipeline { jobs: vec![job(PipelineJobKind::Build), job(PipelineJobKind::Test)], notes: Vec::new() };
    let generate = post(move |request: Request| async move {
        let answer = service_fn(move |request: tonic::Request<GeneratePipelineRequest>| {
            let pipeline = pipeline.clone();
            async move {
                if request.into_inner().change_id.is_empty() {
                    return Err(Status::not_found("no change"));
                }
                Ok(tonic::Response::new(GeneratePipelineResponse {
                    pipeline: Some(pipeline),
                    files: Vec::new(),
                }))
            }
        });
        Grpc::new(ProstCodec::<GeneratePipelineResponse, GeneratePipelineRequest>::default())
            .unary(answer, request)
            .await
    });
    let change = post(move |request: Request| async move {
        let answer = service_fn(|_: tonic::Request<GetChangeRequest>| async {
            let change = Change { repository_id: "repository".to_owned(), ..Change::default() };
            Ok::<_, Status>(tonic::Response::new(GetChangeResponse { change: Some(change) }))
        });
        Grpc::new(ProstCodec::<GetChangeResponse, GetChangeRequest>::default()).unary(answer, request).await
    });
    let listed: Vec<TreeFile> = files
        .iter()
        .map(|file| TreeFile {
            path: file.path.to_owned(),
            blob: format!("blob of {}", file.content),
            size: file.content.len() as u64,
            executable: file.executable,
            link: file.link,
        })
        .collect();
    let tree = post(move |request: Request| async move {
        let answer = service_fn(move |_: tonic::Request<GetTreeRequest>| {
            let files = listed.clone();
            async move {
                let pieces: Vec<_> =
                    files.chunks(2).map(|some| Ok(GetTreeResponse { files: some.to_vec() })).collect();
                Ok::<_, Status>(tonic::Response::new(tokio_stream::iter(pieces)))
            }
        });
        Grpc::new(ProstCodec::<GetTreeResponse, GetTreeRequest>::default())
            .server_streaming(answer, request)
            .await
    });
    let blobs = post(|request: Request| async move {
        let answer = service_fn(|request: tonic::Request<GetBlobsRequest>| async {
            let mut pieces = Vec::new();
            for blob in request.into_inner().blobs {
                let content = blob.trim_start_matches("blob of ").as_bytes().to_vec();
                let (first, rest) = content.split_at(content.len() / 2);
                for (data, last) in [(first, false), (rest, true)] {
                    let data = data.to_vec().into();
                    pieces.push(Ok(GetBlobsResponse { blob: blob.clone(), data, last, absent: false }));
                }
            }
            Ok::<_, Status>(tonic::Response::new(tokio_stream::iter(pieces)))
        });
        Grpc::new(ProstCodec::<GetBlobsResponse, GetBlobsRequest>::default())
            .server_streaming(answer, request)
            .await
    });
    let router = Router::new()
        .route("/septet.devops.v1.DevopsService/GeneratePipeline", generate)
        .route("/septet.devops.v1.DevopsService/GetChange", change)
        .route("/septet.devops.v1.DevopsService/GetTree", tree)
        .route("/septet.devops.v1.DevopsService/GetBlobs", blobs);
    tokio::spawn(async move {
        Server::builder()
            .add_routes(Routes::from(router))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
    });
    json!({ "devops": format!("http://{address}") })
}

//! cost and cx as devops calls them: each answers one call over gRPC, and may be away.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};

use axum::{body::Body, routing::post};
use http::Request;
use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::{Estimate, EstimateReleaseRequest, EstimateReleaseResponse};
use septet_proto_cx::v1::{BreachedGuardrail, CheckGuardrailsRequest, CheckGuardrailsResponse};
use tokio::{net::TcpListener as Listener, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Status, server::Grpc, service::Routes, transport::Server};
use tonic_prost::ProstCodec;

/// What they say, and what they were asked.
#[derive(Default)]
pub struct Said {
    /// They answer that they cannot be reached.
    pub silent: bool,
    pub breached: Vec<BreachedGuardrail>,
    pub unknown: Vec<String>,
    pub asked: Vec<Vec<String>>,
    pub too_dear: bool,
    pub estimates: Vec<EstimateReleaseRequest>,
}

impl Said {
    fn answers(&self) -> Result<(), Status> {
        if self.silent { Err(Status::unavailable("away")) } else { Ok(()) }
    }
}

/// The two of them behind one address.
pub struct Sisters {
    address: SocketAddr,
    pub said: Arc<Mutex<Said>>,
    serving: Option<JoinHandle<()>>,
}

impl Drop for Sisters {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

impl Sisters {
    /// Away, but with an address.
    pub fn away() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        Self { address: free, said: Arc::default(), serving: None }
    }

    pub async fn there() -> Self {
        let mut sisters = Self::away();
        sisters.come().await;
        sisters
    }

    /// Setting for the process that calls them.
    pub fn urls(&self) -> serde_json::Value {
        let url = format!("http://{}", self.address);
        serde_json::json!({ "cost": url, "cx": url })
    }

    pub async fn come(&mut self) {
        let listener = Listener::bind(self.address).await.unwrap();
        let (of_cx, of_cost) = (Arc::clone(&self.said), Arc::clone(&self.said));
        let check = move |request: CheckGuardrailsRequest| {
            let mut said = of_cx.lock().unwrap();
            said.answers()?;
            said.asked.push(request.flag_keys);
            Ok(CheckGuardrailsResponse {
                breached: said.breached.clone(),
                unknown_flag_keys: said.unknown.clone(),
            })
        };
        let estimate = move |request: EstimateReleaseRequest| {
            let mut said = of_cost.lock().unwrap();
            said.answers()?;
            said.estimates.push(request);
            let verdict = if said.too_dear { Verdict::Failed } else { Verdict::Passed };
            let reason = if said.too_dear { "over the budget" } else { "within the budget" }.to_owned();
            let estimate = Estimate { verdict: verdict.into(), reason, ..Default::default() };
            Ok(EstimateReleaseResponse { estimate: Some(estimate) })
        };
        let router = axum::Router::new()
            .route("/septet.cx.v1.CxService/CheckGuardrails", answering(check))
            .route("/septet.cost.v1.CostService/EstimateRelease", answering(estimate));
        self.serving = Some(tokio::spawn(async move {
            let serve = Server::builder()
                .add_routes(Routes::from(router))
                .serve_with_incoming(TcpListenerStream::new(listener));
            serve.await.unwrap();
        }));
    }
}

fn answering<Q, A>(
    answer: impl Fn(Q) -> Result<A, Status> + Clone + Send + Sync + 'static,
) -> axum::routing::MethodRouter
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
{
    post(move |request: Request<Body>| {
        let answer = answer.clone();
        async move {
            let unary = tower::service_fn(move |request: tonic::Request<Q>| {
                let reply = answer(request.into_inner());
                async move { reply.map(tonic::Response::new) }
            });
            Grpc::new(ProstCodec::<A, Q>::default()).unary(unary, request).await
        }
    })
}

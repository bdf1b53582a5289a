//! A pipeline process of the test's own, and a web server that its tasks call.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
};
use septet_chassis::{
    Channel, Started,
    contract::{Cause, Envelope, Event, Timestamp, cloudevents::to_record},
    messaging::log::Append,
};
use septet_proto_pipeline::v1::{
    GetRunRequest, GetRunResponse, Run, RunState, Step, SubmitRunRequest, WatchRunRequest, WatchRunResponse,
    pipeline_service_client::PipelineServiceClient,
};
use septet_testkit::{
    Deadline,
    service::{self, Bed},
    within,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_stream::StreamExt;

/// A running process.
pub struct Running {
    pub started: Started,
}

impl Running {
    pub async fn on(bed: &Bed) -> Self {
        Self::with(bed, &[]).await
    }

    pub async fn with(bed: &Bed, settings: &[(&str, Value)]) -> Self {
        let mut all =
            vec![("pipeline.lease_ms", json!(900)), ("pipeline.http.allow_private", json!(["127.0.0.0/8"]))];
        all.extend_from_slice(settings);
        Self {
            started: bed.start("pipeline", |process| process.with(septet_pipeline::service()), &all).await,
        }
    }

    pub fn client(&self) -> PipelineServiceClient<Channel> {
        PipelineServiceClient::new(self.started.channel())
    }

    pub async fn submit(&self, definition: &str) -> Run {
        let request = SubmitRunRequest { definition: definition.to_owned(), ..SubmitRunRequest::default() };
        self.client().submit_run(request).await.unwrap().into_inner().run.unwrap()
    }

    /// Waits until a run has come so far.
    pub async fn until(
        &self,
        run_id: &str,
        what: &str,
        so_far: impl Fn(&WatchRunResponse) -> bool,
    ) -> WatchRunResponse {
        let request = WatchRunRequest { run_id: run_id.to_owned() };
        let mut moves = self.client().watch_run(request).await.unwrap().into_inner();
        within(Deadline::LONG, what, async {
            while let Some(reply) = moves.next().await {
                let reply = reply.unwrap();
                if so_far(&reply) {
                    return reply;
                }
            }
            panic!("the run ended before {what}");
        })
        .await
    }

    pub async fn ended(&self, run_id: &str) -> GetRunResponse {
        self.until(run_id, "the run's end", |reply| has_ended(reply.run.as_ref().unwrap().state())).await;
        self.run(run_id).await
    }

    pub async fn run(&self, run_id: &str) -> GetRunResponse {
        let request = GetRunRequest { run_id: run_id.to_owned(), ..GetRunRequest::default() };
        self.client().get_run(request).await.unwrap().into_inner()
    }

    /// Appends an event as another service would, so many times.
    pub async fn push<E: Event>(&self, event: &E, source: &str, times: usize) {
        let envelope = Envelope::of_event(event, source, Timestamp::now(), &Cause::default());
        let append = Append { topic: E::TOPIC.to_owned(), record: to_record(&envelope) };
        for result in self.started.log().append(vec![append; times]).await {
            result.unwrap();
        }
    }

    /// Every published event of a type.
    pub async fn published<E: Event>(&self) -> Vec<E> {
        service::published(&self.started).await.into_iter().map(|(_, event)| event).collect()
    }
}

pub fn has_ended(state: RunState) -> bool {
    septet_pipeline::plan::has_ended(state)
}

pub fn step<'a>(run: &'a GetRunResponse, name: &str) -> &'a Step {
    run.steps.iter().find(|step| step.name == name).unwrap()
}

/// A web server that remembers its requests. `/ok` answers with JSON, `/fail/N` fails the first N times, `/hold` answers
/// once it is told to.
#[derive(Clone)]
pub struct Web {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<(String, String)>>>,
    pub let_go: Arc<Semaphore>,
}

impl Web {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            let_go: Arc::new(Semaphore::new(0)),
        };
        let router = Router::new().fallback(answer).with_state(web.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        web
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Idempotency keys of the requests to a path.
    pub fn keys(&self, path: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(of, _)| of == path).map(|(_, key)| key.clone()).collect()
    }
}

async fn answer(State(web): State<Web>, request: Request) -> (StatusCode, String) {
    let path = request.uri().path().to_owned();
    let key = request.headers().get("idempotency-key").map_or("", |key| key.to_str().unwrap()).to_owned();
    let times = {
        let mut seen = web.seen.lock().unwrap();
        seen.push((path.clone(), key));
        seen.iter().filter(|(of, _)| *of == path).count()
    };
    if path == "/hold" {
        let _held = web.let_go.acquire().await.unwrap();
        return (StatusCode::OK, r#"{"held":true}"#.to_owned());
    }
    if path == "/elsewhere" {
        return (StatusCode::FOUND, "elsewhere".to_owned());
    }
    match path.strip_prefix("/fail/").map(|times| times.parse::<usize>().unwrap()) {
        Some(failures) if times <= failures => (StatusCode::SERVICE_UNAVAILABLE, "later".to_owned()),
        _ => (StatusCode::OK, r#"{"items":[1,2,3]}"#.to_owned()),
    }
}

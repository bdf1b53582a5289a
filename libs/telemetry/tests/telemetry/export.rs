//! Spans reach an OTLP collector over gRPC, and a collector that does not answer cannot hold the process up.
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use septet_telemetry::{Config, init};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::server::NamedService;

/// The collector's end of the wire: keeps request bodies as bytes and answers with an empty message.
#[derive(Clone, Default)]
struct Collector {
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl tower::Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let received = Arc::clone(&self.received);
        Box::pin(async move {
            let body = request.into_body().collect().await.map(|body| body.to_bytes().to_vec());
            received.lock().unwrap().push(body.unwrap_or_default());
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            // Five zero bytes frame an empty message.
            let reply = http_body_util::Full::new(bytes::Bytes::from_static(&[0; 5]))
                .with_trailers(ready(Some(Ok::<_, Infallible>(trailers))) as Ready<_>);
            Ok(http::Response::builder()
                .header("content-type", "application/grpc")
                .body(Body::new(reply))
                .unwrap())
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_arrive_at_the_collector() {
    if crate::in_child("export::spans_arrive_at_the_collector").is_some() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = Collector::default();
    let server = tonic::transport::Server::builder().add_service(collector.clone());
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let config = Config { otlp_endpoint: Some(endpoint), ..Config::default() };
    let guard = init(&config, "docs", "1.2.3", "replica-7").unwrap();
    tracing::info_span!("render page").in_scope(|| {
        tracing::info_span!(target: "h2::proto", "noise of the transport").in_scope(|| ());
    });
    assert!(guard.shutdown(Duration::from_secs(10)), "the collector answered");

    let received = collector.received.lock().unwrap().concat();
    let contains = |text: &str| received.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["render page", "service.name", "docs", "1.2.3", "replica-7"] {
        assert!(contains(text), "{text} was not exported");
    }
    assert!(!contains("noise of the transport"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_collector_delays_the_end_by_no_more_than_the_bound() {
    if crate::in_child("export::a_silent_collector_delays_the_end_by_no_more_than_the_bound").is_some() {
        return;
    }
    // Accepts connections in the kernel's backlog and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let config = Config { otlp_endpoint: Some(endpoint), ..Config::default() };
    let guard = init(&config, "docs", "1.2.3", "replica-7").unwrap();
    tracing::info_span!("lost").in_scope(|| ());
    let started = Instant::now();
    assert!(!guard.shutdown(Duration::from_millis(300)), "the span was not delivered");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use metrics_exporter_prometheus::{PrometheusHandle, PrometheusRecorder};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tower::{Layer, Service, ServiceExt, service_fn};
use tracing_subscriber::layer::SubscriberExt;

use super::{ClientTraceLayer, KnownMethods, ServerTraceLayer};

const GET_PAGE: &str = "/septet.docs.v1.DocsService/GetPage";

type Frames = StreamBody<tokio_stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, &'static str>>>>;

/// Spans and metrics of this thread only, so that tests do not see each other's.
struct Observed {
    spans: InMemorySpanExporter,
    /// The exporter forgets its spans when the last provider is dropped.
    _provider: SdkTracerProvider,
    metrics: PrometheusHandle,
}

fn observe<T>(run: impl Future<Output = T>) -> (T, Observed) {
    let spans = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
    let (recorder, metrics): (PrometheusRecorder, _) = crate::metrics::local();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let subscriber = tracing_subscriber::registry().with(crate::otel::layer(&provider));
    let _subscriber = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (runtime.block_on(run), Observed { spans, _provider: provider, metrics })
}

impl Observed {
    fn span(&self) -> SpanData {
        let mut spans = self.spans.get_finished_spans().unwrap();
        assert_eq!(spans.len(), 1, "{spans:?}");
        spans.remove(0)
    }

    fn assert_counted(&self, side: &str, service: &str, method: &str, code: &str) {
        let series = format!(
            "rpc_{side}_call_duration_seconds_count{{service=\"{service}\",method=\"{method}\",code=\"{code}\"}} 1"
        );
        let text = self.metrics.render();
        assert!(text.contains(&series), "{series} is not in\n{text}");
        assert_eq!(text.matches("_call_duration_seconds_count").count(), 1, "one series:\n{text}");
    }
}

fn methods() -> KnownMethods {
    KnownMethods::new().with("docs", [GET_PAGE])
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::builder().uri(path).body(Empty::new()).unwrap()
}

fn frames(frames: Vec<Result<Frame<Bytes>, &'static str>>) -> Response<Frames> {
    Response::new(StreamBody::new(tokio_stream::iter(frames)))
}

fn data() -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(b"page")))
}

fn trailers(status: &'static str) -> Result<Frame<Bytes>, &'static str> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.parse().unwrap());
    trailers.insert("grpc-message", "secret".parse().unwrap());
    Ok(Frame::trailers(trailers))
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|pair| pair.key.as_str() == key).map(|pair| pair.value.to_string())
}

/// Serves one request with `reply` behind the server layer and reads the reply to its end.
fn serve(path: &'static str, reply: fn() -> Response<Frames>) -> Observed {
    let (_, observed) = observe(async move {
        let inner = service_fn(move |_: Request<Empty<Bytes>>| async move { Ok::<_, Infallible>(reply()) });
        let reply = ServerTraceLayer::new(methods()).layer(inner).oneshot(request(path)).await.unwrap();
        reply.into_body().collect().await.map(drop)
    });
    observed
}

#[test]
fn a_served_call_is_a_span_and_a_duration() {
    let observed = serve(GET_PAGE, || frames(vec![data(), data(), trailers("0")]));
    let method = "septet.docs.v1.DocsService/GetPage";
    observed.assert_counted("server", "docs", method, "OK");
    let span = observed.span();
    assert_eq!(
        (span.name.as_ref(), &span.span_kind, &span.status),
        (method, &SpanKind::Server, &Status::Unset)
    );
    assert_eq!(attribute(&span, "rpc.system").as_deref(), Some("grpc"));
    assert_eq!(attribute(&span, "rpc.service").as_deref(), Some("septet.docs.v1.DocsService"));
    assert_eq!(attribute(&span, "rpc.method").as_deref(), Some("GetPage"));
    assert_eq!(attribute(&span, "rpc.grpc.status_code").as_deref(), Some("0"));
}

#[test]
fn an_error_in_the_trailers_is_the_calls_status() {
    let observed = serve(GET_PAGE, || frames(vec![data(), trailers("13")]));
    observed.assert_counted("server", "docs", "septet.docs.v1.DocsService/GetPage", "INTERNAL");
    let span = observed.span();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert!(!format!("{span:?}").contains("secret"), "a status message may quote the request");
}

#[test]
fn what_the_caller_did_wrong_is_no_server_error() {
    let observed = serve(GET_PAGE, || frames(vec![trailers("5")]));
    observed.assert_counted("server", "docs", "septet.docs.v1.DocsService/GetPage", "NOT_FOUND");
    assert_eq!(observed.span().status, Status::Unset);
}

#[test]
fn a_status_in_the_headers_counts_though_the_body_is_never_read() {
    let (_, observed) = observe(async {
        let inner = service_fn(|_: Request<Empty<Bytes>>| async {
            Response::builder().header("grpc-status", "16").body(Empty::<Bytes>::new())
        });
        ServerTraceLayer::new(methods()).layer(inner).oneshot(request(GET_PAGE)).await.map(drop)
    });
    observed.assert_counted("server", "docs", "septet.docs.v1.DocsService/GetPage", "UNAUTHENTICATED");
}

#[test]
fn a_broken_reply_is_unknown() {
    type Reply = fn() -> Response<Frames>;
    let no_status: Reply = || frames(vec![data()]);
    let no_code: Reply = || frames(vec![data(), trailers("99")]);
    let broken: Reply = || frames(vec![data(), Err("connection reset")]);
    for reply in [no_status, no_code, broken] {
        serve(GET_PAGE, reply).assert_counted(
            "server",
            "docs",
            "septet.docs.v1.DocsService/GetPage",
            "UNKNOWN",
        );
    }
}

#[test]
fn an_http_error_maps_to_its_grpc_code() {
    let observed = serve(GET_PAGE, || {
        let mut reply = frames(vec![]);
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        reply
    });
    observed.assert_counted("server", "docs", "septet.docs.v1.DocsService/GetPage", "UNAVAILABLE");
}

#[test]
fn dropping_the_reply_or_the_future_is_a_cancellation() {
    let method = "septet.docs.v1.DocsService/GetPage";
    let (_, observed) = observe(async {
        let inner = service_fn(|_: Request<Empty<Bytes>>| async {
            Ok::<_, Infallible>(frames(vec![data(), data()]))
        });
        let reply = ServerTraceLayer::new(methods()).layer(inner).oneshot(request(GET_PAGE)).await.unwrap();
        let mut body = reply.into_body();
        body.frame().await.unwrap().unwrap();
    });
    observed.assert_counted("server", "docs", method, "CANCELLED");
    assert_eq!(attribute(&observed.span(), "rpc.grpc.status_code").as_deref(), Some("1"));

    let (_, observed) = observe(async {
        let inner = service_fn(|_: Request<Empty<Bytes>>| {
            std::future::pending::<Result<Response<Frames>, Infallible>>()
        });
        drop(ServerTraceLayer::new(methods()).layer(inner).call(request(GET_PAGE)));
    });
    observed.assert_counted("server", "docs", method, "CANCELLED");
}

#[test]
fn an_invented_path_gets_no_label_of_its_own() {
    let observed = serve("/made.up.Service/Method", || frames(vec![trailers("12")]));
    observed.assert_counted("server", "other", "other", "UNIMPLEMENTED");
    assert!(!format!("{:?}", observed.span()).contains("made.up"));
}

#[test]
fn an_unreachable_server_is_an_error_of_the_client() {
    let (_, observed) = observe(async {
        let inner = service_fn(|_: Request<Empty<Bytes>>| async { Err::<Response<Frames>, _>("refused") });
        ClientTraceLayer::new(methods()).layer(inner).oneshot(request(GET_PAGE)).await.map(drop)
    });
    observed.assert_counted("client", "docs", "septet.docs.v1.DocsService/GetPage", "UNAVAILABLE");
    let span = observed.span();
    assert_eq!(span.span_kind, SpanKind::Client);
    assert!(matches!(span.status, Status::Error { .. }));
}

#[test]
fn client_and_server_share_one_trace() {
    let (_, observed) = observe(async {
        let server = service_fn(|_: Request<Empty<Bytes>>| async {
            tracing::info_span!("handler").in_scope(|| ());
            Ok::<_, Infallible>(frames(vec![trailers("0")]))
        });
        let server = ServerTraceLayer::new(methods()).layer(server);
        let sent = service_fn(move |sent: Request<Empty<Bytes>>| {
            // A task of its own: only the headers connect the two sides, as on a network.
            let server = server.clone();
            async move { tokio::spawn(async move { server.oneshot(sent).await }).await.unwrap() }
        });
        let client = ClientTraceLayer::new(methods()).layer(sent);
        client.oneshot(request(GET_PAGE)).await.unwrap().into_body().collect().await.map(drop).unwrap();
    });
    let spans = observed.spans.get_finished_spans().unwrap();
    let find = |test: &dyn Fn(&SpanData) -> bool| spans.iter().find(|span| test(span)).unwrap();
    let client = find(&|span| span.span_kind == SpanKind::Client);
    let server = find(&|span| span.span_kind == SpanKind::Server);
    let handler = find(&|span| span.name == "handler");
    assert_eq!(server.parent_span_id, client.span_context.span_id());
    assert!(server.parent_span_is_remote, "it came through the headers");
    assert_eq!(handler.parent_span_id, server.span_context.span_id());
    for span in [server, handler] {
        assert_eq!(span.span_context.trace_id(), client.span_context.trace_id());
    }
}

/// A service as tonic mounts it. Each call ends with an error in the trailers.
#[derive(Clone)]
struct Docs;

impl tonic::server::NamedService for Docs {
    const NAME: &'static str = "septet.docs.v1.DocsService";
}

impl Service<Request<tonic::body::Body>> for Docs {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<tonic::body::Body>) -> Self::Future {
        let body = frames(vec![data(), trailers("13")]).into_body();
        std::future::ready(Ok(Response::new(tonic::body::Body::new(body.map_err(tonic::Status::internal)))))
    }
}

#[test]
fn both_layers_fit_tonic_and_see_the_status_on_the_wire() {
    fn is_a_tonic_client<C: tonic::client::GrpcService<tonic::body::Body>>(client: C) -> C {
        client
    }
    let ((), observed) = observe(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server =
            tonic::transport::Server::builder().layer(ServerTraceLayer::new(methods())).add_service(Docs);
        tokio::spawn(server.serve_with_incoming(incoming));
        let channel = tonic::transport::Endpoint::new(endpoint).unwrap().connect().await.unwrap();
        let client = is_a_tonic_client(ClientTraceLayer::new(methods()).layer(channel));
        let request = Request::builder().uri(GET_PAGE).body(tonic::body::Body::empty()).unwrap();
        let body = client.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "13");
    });
    let spans = observed.spans.get_finished_spans().unwrap();
    let find = |kind: SpanKind| spans.iter().find(|span| span.span_kind == kind).unwrap();
    let (client, server) = (find(SpanKind::Client), find(SpanKind::Server));
    assert_eq!(server.parent_span_id, client.span_context.span_id());
    let text = observed.metrics.render();
    for side in ["client", "server"] {
        let count = format!("rpc_{side}_call_duration_seconds_count");
        let line = text.lines().find(|line| line.starts_with(&count)).unwrap();
        assert!(line.contains("code=\"INTERNAL\"") && line.ends_with(" 1"), "{line}");
    }
}

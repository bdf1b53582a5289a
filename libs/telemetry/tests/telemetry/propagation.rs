//! Traces over text fields and headers, through the public functions.
use http::HeaderMap;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use septet_telemetry::propagation;
use tracing_subscriber::layer::SubscriberExt;

const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn traced(run: impl FnOnce()) -> Vec<opentelemetry_sdk::trace::SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
    exporter.get_finished_spans().unwrap()
}

#[test]
fn a_trace_survives_the_way_through_a_field_and_through_headers() {
    let spans = traced(|| {
        let (field, headers) = tracing::info_span!("producer").in_scope(|| {
            let mut headers = HeaderMap::new();
            headers.insert("tracestate", "stale=1".parse().unwrap());
            propagation::inject(&mut headers);
            (propagation::current_traceparent().unwrap(), headers)
        });
        assert_eq!(headers["traceparent"], field.as_str());
        assert!(!headers.contains_key("tracestate"), "a stale state must not outlive its traceparent");

        let by_field = tracing::info_span!("by field");
        assert!(propagation::set_parent(&by_field, &field));
        by_field.in_scope(|| tracing::info_span!("below").in_scope(|| ()));
        let by_headers = tracing::info_span!("by headers");
        assert!(propagation::extract(&headers, &by_headers));
        by_headers.in_scope(|| ());
        let linked = tracing::info_span!("linked");
        assert!(propagation::add_link(&linked, &field));
        linked.in_scope(|| ());
    });
    let span = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let producer = &span("producer").span_context;
    for name in ["by field", "by headers"] {
        assert_eq!(span(name).span_context.trace_id(), producer.trace_id(), "{name}");
        assert_eq!(span(name).parent_span_id, producer.span_id(), "{name}");
    }
    assert_eq!(span("below").span_context.trace_id(), producer.trace_id());
    let linked = span("linked");
    assert_ne!(linked.span_context.trace_id(), producer.trace_id(), "a consumer has a trace of its own");
    assert_eq!(linked.links.links[0].span_context.span_id(), producer.span_id());
}

#[test]
fn the_vendors_state_travels_on_over_headers() {
    let mut onward = HeaderMap::new();
    traced(|| {
        let headers = HeaderMap::from_iter([
            (http::HeaderName::from_static("traceparent"), VALID.parse().unwrap()),
            (http::HeaderName::from_static("tracestate"), "vendor=opaque".parse().unwrap()),
        ]);
        let span = tracing::info_span!("hop");
        assert!(propagation::extract(&headers, &span));
        span.in_scope(|| propagation::inject(&mut onward));
    });
    assert_eq!(onward["tracestate"], "vendor=opaque");
    assert!(onward["traceparent"].to_str().unwrap().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
}

#[test]
fn what_is_no_traceparent_is_ignored() {
    let invalid = [
        "",
        "garbage",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-1",
        "ééééééééééééééééééééééééééééééééééééééééééééééé",
    ];
    traced(|| {
        for text in invalid {
            let span = tracing::info_span!("receiver");
            assert!(!propagation::set_parent(&span, text), "{text}");
            assert!(!propagation::add_link(&span, text), "{text}");
            span.in_scope(|| {
                let own = propagation::current_traceparent().unwrap();
                assert!(!own.contains("0af7651916cd43dd8448eb211c80319c"), "{text}");
            });
        }
        assert!(propagation::set_parent(&tracing::info_span!("valid"), VALID));
        assert!(propagation::set_parent(
            &tracing::info_span!("later version"),
            &VALID.replacen("00", "01", 1)
        ));
        let later = format!("{}-more", VALID.replacen("00", "01", 1));
        assert!(propagation::set_parent(&tracing::info_span!("later version with more"), &later));
    });
}

#[test]
fn a_span_that_has_begun_keeps_its_place() {
    traced(|| {
        let span = tracing::info_span!("begun");
        span.in_scope(|| ());
        assert!(!propagation::set_parent(&span, VALID));
    });
}

#[test]
fn without_a_subscriber_nothing_happens() {
    assert_eq!(propagation::current_traceparent(), None);
    assert!(!propagation::set_parent(&tracing::Span::none(), VALID));
    let mut headers = HeaderMap::new();
    propagation::inject(&mut headers);
    assert!(headers.is_empty());
}

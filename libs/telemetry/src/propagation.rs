//! Carries a trace from one service to the next in the W3C form (`traceparent`, and over HTTP also `tracestate`).
//!
//! What arrives is untrusted: anything that is not a well-formed `traceparent` is ignored, and the receiver begins a
//! trace of its own.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The name of the header and of the event and job field that carry the trace.
pub const TRACEPARENT: &str = "traceparent";
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What the W3C asks every hop to be able to carry, in bytes; longer states are dropped.
const TRACESTATE_LIMIT: usize = 512;

/// The `traceparent` of the span that is entered now, or `None` outside any span.
pub fn current_traceparent() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let flags = span.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), flags.to_u8())
    })
}

/// Makes `span` a child of the span that `traceparent` names. Call it before `span` is entered for the first time:
/// afterwards its place in the trace is fixed. Returns whether it was set.
pub fn set_parent(span: &Span, traceparent: &str) -> bool {
    parse(traceparent, TraceState::default()).is_some_and(|parent| adopt(span, parent))
}

/// Links `span` to the span that `traceparent` names, as a consumer links to its producer: the two have traces of
/// their own. Returns whether `traceparent` was well-formed.
pub fn add_link(span: &Span, traceparent: &str) -> bool {
    let target = parse(traceparent, TraceState::default());
    target.map(|target| span.add_link(target)).is_some()
}

/// Makes `span` a child of the span that the headers name, if they name one. Returns whether it was set.
pub fn extract(headers: &HeaderMap, span: &Span) -> bool {
    let Some(traceparent) = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let state = headers.get(TRACESTATE).and_then(|value| value.to_str().ok());
    let state = state.filter(|text| text.len() <= TRACESTATE_LIMIT).and_then(|text| text.parse().ok());
    parse(traceparent, state.unwrap_or_default()).is_some_and(|parent| adopt(span, parent))
}

/// Writes the span that is entered now into the headers, in place of what they said before.
pub fn inject(headers: &mut HeaderMap) {
    let Some(traceparent) = current_traceparent().and_then(|text| HeaderValue::try_from(text).ok()) else {
        return;
    };
    headers.insert(TRACEPARENT, traceparent);
    headers.remove(TRACESTATE);
    let state = Context::current().span().span_context().trace_state().header();
    if !state.is_empty()
        && let Ok(state) = HeaderValue::try_from(state)
    {
        headers.insert(TRACESTATE, state);
    }
}

fn adopt(span: &Span, parent: SpanContext) -> bool {
    span.set_parent(Context::new().with_remote_span_context(parent)).is_ok()
}

/// Strict where the stock propagator is lenient (it takes ids of any length), since this is untrusted input. Versions
/// after 00 may append fields, which are ignored.
fn parse(traceparent: &str, state: TraceState) -> Option<SpanContext> {
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let (head, tail) = traceparent.split_at_checked(55)?;
    let (version, rest) = head.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, flags) = rest.split_once('-')?;
    let lengths = (version.len(), trace.len(), span.len(), flags.len()) == (2, 32, 16, 2);
    let tail_fits = tail.is_empty() || (version != "00" && tail.starts_with('-'));
    if !lengths || ![version, trace, span, flags].into_iter().all(hex) || version == "ff" || !tail_fits {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, state)).filter(SpanContext::is_valid)
}

//! One JSON object a line. A layer of its own, because the stock formatter cannot add the trace id of the span that
//! OpenTelemetry has active, which the log filter may have hidden from it.

use std::fmt;
use std::io::Write;

use opentelemetry::trace::TraceContextExt;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Longer text values are cut, so that no event can make a line of megabytes.
const TEXT_LIMIT: usize = 8192;

/// Writes each event as a line of JSON to `W`.
pub(crate) struct JsonLog<W> {
    service: String,
    writer: W,
}

impl<W> JsonLog<W> {
    pub(crate) fn new(service: &str, writer: W) -> Self {
        Self { service: service.to_owned(), writer }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Map<String, Value>>,
}

/// The fields of a span, kept in its extensions from its creation on.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut spans = Vec::new();
        for span in ctx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            let mut object = Map::from_iter([("name".to_owned(), Value::from(span.name()))]);
            if let Some(Fields(of_span)) = span.extensions().get::<Fields>() {
                object.extend(of_span.clone());
            }
            spans.push(object);
        }
        let message = match fields.0.remove("message") {
            Some(Value::String(text)) => text,
            other => other.map(|value| value.to_string()).unwrap_or_default(),
        };
        let active = opentelemetry::Context::current();
        let active = active.span().span_context().clone();
        let line = Line {
            timestamp: now(),
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            service: innermost_service(&fields.0, &spans).unwrap_or(&self.service),
            trace_id: active.is_valid().then(|| active.trace_id().to_string()),
            span_id: active.is_valid().then(|| active.span_id().to_string()),
            message,
            fields: fields.0.clone(),
            spans: spans.clone(),
        };
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            // A log that cannot be written must not take the service down, and there is nowhere left to say so.
            let _ = self.writer.make_writer_for(event.metadata()).write_all(&bytes);
        }
    }
}

/// In the suite several services share a process: the nearest `service` field says which of them speaks.
fn innermost_service<'a>(event: &'a Map<String, Value>, spans: &'a [Map<String, Value>]) -> Option<&'a str> {
    std::iter::once(event).chain(spans.iter().rev()).find_map(|fields| fields.get("service")?.as_str())
}

fn now() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail; a clock that cannot be formatted leaves the field empty.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // `otel.*` steers the OpenTelemetry layer and says nothing that the span's name does not.
        if !field.name().starts_with("otel.") {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }

    fn put_text(&mut self, field: &Field, mut text: String) {
        if text.len() > TEXT_LIMIT {
            text.truncate(text.floor_char_boundary(TEXT_LIMIT));
            text.push('…');
        }
        self.put(field, text);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, format!("{value:?}"));
    }
}

//! The OpenTelemetry side of tracing: the provider that mints trace ids, and the layer that turns spans into its spans.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, TracerProviderBuilder};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, layer::Filter};

use crate::{Config, TelemetryError};

/// One export to the collector may take this long.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Crates that carry the export itself, or that make a span of every frame. Prefixes: `tower` covers `tower_http`.
const NOISY: [&str; 8] = ["h2", "hyper", "tonic", "tower", "opentelemetry", "rustls", "reqwest", "tokio"];

/// A provider without an exporter: ids exist and propagate, spans go nowhere.
pub(crate) fn provider(config: &Config) -> TracerProviderBuilder {
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_sample_ratio)));
    SdkTracerProvider::builder().with_sampler(sampler)
}

pub(crate) fn resource(service: &str, version: &str, instance_id: &str) -> Resource {
    Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.version", version.to_owned()))
        .with_attribute(KeyValue::new("service.instance.id", instance_id.to_owned()))
        .build()
}

pub(crate) fn exporter(endpoint: &http::Uri) -> Result<SpanExporter, TelemetryError> {
    // The channel connects lazily, but it spawns its worker at once, which panics outside a runtime.
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(TelemetryError::NoRuntime);
    }
    let mut builder =
        SpanExporter::builder().with_tonic().with_endpoint(endpoint.to_string()).with_timeout(EXPORT_TIMEOUT);
    if endpoint.scheme_str() == Some("https") {
        builder = builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots());
    }
    Ok(builder.build()?)
}

pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("septet"))
        .with_location(false)
        .with_threads(false)
        // Two clock readings each time that a span is entered or left, for figures that nobody reads.
        .with_tracked_inactivity(false)
        .with_filter(filter())
}

/// The layer's own filter: the log level must not decide whether a trace is whole.
fn filter<S>() -> impl Filter<S> {
    let targets = Targets::new().with_default(Level::INFO);
    NOISY.iter().fold(targets, |targets, noisy| targets.with_target(*noisy, LevelFilter::OFF))
}

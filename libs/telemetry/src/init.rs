use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::json_log::JsonLog;
use crate::{Config, LogFormat, TelemetryError, otel};

/// How long dropping the [`Guard`] waits for the collector.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets up logs (on standard error) and traces for the process, and returns the guard that flushes them.
///
/// `service_name` is the service that logs and traces name, `version` its release, `instance_id` what tells replicas
/// apart; the last goes into traces only. Without `otlp_endpoint` trace ids exist and propagate all the same.
///
/// # Errors
///
/// [`TelemetryError`] if a value of `config` is invalid, if an endpoint is set and no Tokio runtime is running, or if
/// this process has a subscriber already: [`TelemetryError::AlreadyInitialised`], which a test may ignore.
pub fn init(
    config: &Config,
    service_name: &str,
    version: &str,
    instance_id: &str,
) -> Result<Guard, TelemetryError> {
    config.check()?;
    let mut provider =
        otel::provider(config).with_resource(otel::resource(service_name, version, instance_id));
    if let Some(endpoint) = config.endpoint()? {
        provider = provider.with_batch_exporter(otel::exporter(&endpoint)?);
    }
    let guard = Guard { provider: provider.build(), flushed: false };

    let log: Box<dyn Layer<Registry> + Send + Sync> = match config.format() {
        LogFormat::Json => JsonLog::new(service_name, std::io::stderr).with_filter(config.filter()?).boxed(),
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_filter(config.filter()?)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(log)
        .with(otel::layer(&guard.provider))
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInitialised)?;
    Ok(guard)
}

/// Keeps the trace exporter alive, and flushes it when shut down or dropped. Keep it until the process ends.
#[derive(Debug)]
#[must_use = "spans that were not flushed are lost when the guard is dropped at once"]
pub struct Guard {
    provider: SdkTracerProvider,
    flushed: bool,
}

impl Guard {
    /// Sends what is buffered and ends the exporter, waiting at most `timeout`. `false` if spans may have been lost,
    /// because the collector did not answer in time.
    ///
    /// Blocks the calling thread while the Tokio runtime that [`init`] ran in carries the export: call it on a
    /// multi-thread runtime, or from `spawn_blocking`, and before the runtime ends.
    pub fn shutdown(mut self, timeout: Duration) -> bool {
        self.flush(timeout)
    }

    fn flush(&mut self, timeout: Duration) -> bool {
        self.flushed = true;
        self.provider.shutdown_with_timeout(timeout).is_ok()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.flushed {
            self.flush(DROP_TIMEOUT);
        }
    }
}

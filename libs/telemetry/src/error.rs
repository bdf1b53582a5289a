/// Why telemetry could not be set up. Each message names the configuration key and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error(
        "telemetry.log_filter is not valid: {reason}; write a level such as `info`, or `info,septet_review=debug`"
    )]
    LogFilter {
        /// What is wrong with it.
        reason: String,
    },
    /// The sample ratio is not a share.
    #[error("telemetry.trace_sample_ratio is {0}; write a number from 0.0 to 1.0")]
    SampleRatio(f64),
    /// The collector's endpoint cannot be used.
    #[error("telemetry.otlp_endpoint is not valid: {reason}; write a URL such as `http://127.0.0.1:4317`")]
    Endpoint {
        /// What is wrong with it, without its text.
        reason: &'static str,
    },
    /// Exporting needs a Tokio runtime to run the connection on.
    #[error(
        "telemetry.otlp_endpoint is set, but telemetry was set up outside a Tokio runtime; call init inside it"
    )]
    NoRuntime,
    /// The exporter could not be built.
    #[error("the OTLP exporter for telemetry.otlp_endpoint could not be built: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// A process has one subscriber, and it is set already.
    #[error("logging is set up already in this process; call init once, at the start, and keep its guard")]
    AlreadyInitialised,
    /// A process has one metrics recorder, and it is not ours.
    #[error(
        "another metrics recorder is installed in this process; install Prometheus first, or remove the other"
    )]
    OtherRecorder,
    /// The Prometheus recorder could not be built.
    #[error("the Prometheus recorder could not be built: {0}")]
    Recorder(metrics_exporter_prometheus::BuildError),
}

//! Metrics in Prometheus' text form. The process records them through the `metrics` crate's macros with the names in
//! [`names`]; whoever serves `/metrics` calls [`Prometheus::render`].

use std::sync::Mutex;

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::TelemetryError;

pub mod names;

/// Upper bounds, in seconds, for how long something took: half a millisecond to 25 s, the drain's deadline.
const DURATION_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 25.0];
/// Upper bounds, in seconds, for how old something is: 10 ms to a day, since a backlog is measured in hours.
const AGE_BUCKETS: [f64; 13] =
    [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0, 86400.0];

static INSTALLED: Mutex<Option<Prometheus>> = Mutex::new(None);

/// The process's metrics. Clones show the same.
#[derive(Clone)]
pub struct Prometheus {
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prometheus").finish_non_exhaustive()
    }
}

impl Prometheus {
    /// Every metric, in Prometheus' text exposition format.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds recorded samples into their buckets. Call it every few seconds: between two calls each sample takes
    /// memory.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Installs the recorder that all metrics of this process go to, once; later calls return the same.
///
/// # Errors
///
/// [`TelemetryError::OtherRecorder`] if something else has installed a recorder before.
pub fn install_prometheus() -> Result<Prometheus, TelemetryError> {
    // The value behind the lock is written in one step, so a panic elsewhere cannot have left it half done.
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(prometheus) = &*installed {
        return Ok(prometheus.clone());
    }
    let recorder = recorder().map_err(TelemetryError::Recorder)?;
    let prometheus = Prometheus { handle: recorder.handle() };
    metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::OtherRecorder)?;
    names::describe();
    *installed = Some(prometheus.clone());
    Ok(prometheus)
}

/// Publishes `build_info{service, version} 1`, from which dashboards tell which release runs where.
pub fn record_build_info(service: &str, version: &str) {
    metrics::gauge!(names::BUILD_INFO, "service" => service.to_owned(), "version" => version.to_owned())
        .set(1.0);
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_age_seconds".to_owned()), &AGE_BUCKETS)?;
    Ok(builder.build_recorder())
}

#[cfg(test)]
pub(crate) use tests::local;

#[cfg(test)]
mod tests {
    use super::*;

    /// A recorder for one test, to be set with `metrics::set_default_local_recorder`.
    pub(crate) fn local() -> (PrometheusRecorder, PrometheusHandle) {
        let recorder = recorder().unwrap();
        let handle = recorder.handle();
        (recorder, handle)
    }

    /// Checks the text against the exposition format's grammar, without the crate that wrote it.
    fn samples(text: &str) -> Vec<(String, f64)> {
        let mut samples = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
            let name = series.split('{').next().unwrap();
            let name_ok = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
            assert!(name_ok && !name.starts_with(|c: char| c.is_ascii_digit()), "bad name: {line}");
            if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
                let inner = labels.strip_prefix('{').and_then(|l| l.strip_suffix('}')).expect("braces");
                for pair in inner.split("\",") {
                    let (key, value) = pair.split_once("=\"").unwrap_or_else(|| panic!("bad label: {line}"));
                    assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "bad label: {line}");
                    assert!(!value.contains('\n'));
                }
            }
            samples.push((series.to_owned(), value.parse().unwrap_or_else(|_| panic!("bad value: {line}"))));
        }
        samples
    }

    #[test]
    fn installing_twice_gives_the_same_metrics() {
        let (first, second) = (install_prometheus().unwrap(), install_prometheus().unwrap());
        record_build_info("docs", "1.2.3");
        assert!(
            first.render().contains("build_info{service=\"docs\",version=\"1.2.3\"} 1"),
            "{}",
            first.render()
        );
        assert_eq!(first.render(), second.render());
        first.run_upkeep();
    }

    #[test]
    fn renders_prometheus_text_with_buckets_and_help() {
        let (recorder, handle) = local();
        let _local = metrics::set_default_local_recorder(&recorder);
        names::describe();
        metrics::histogram!(names::RPC_SERVER_CALL_DURATION_SECONDS, "service" => "docs").record(0.003);
        metrics::histogram!(names::EVENT_AGE_SECONDS, "service" => "docs").record(1000.0);
        metrics::counter!(names::DEAD_LETTERS_TOTAL, "service" => "docs", "reason" => "de\"code")
            .increment(2);
        metrics::gauge!(names::OUTBOX_PENDING, "service" => "docs").set(7.0);
        let text = handle.render();
        let samples = samples(&text);
        let value = |series: &str| samples.iter().find(|(name, _)| name == series).map(|(_, value)| *value);
        let bucket =
            |le| value(&format!("rpc_server_call_duration_seconds_bucket{{service=\"docs\",le=\"{le}\"}}"));
        assert_eq!(
            (bucket("0.0025"), bucket("0.005"), bucket("+Inf")),
            (Some(0.0), Some(1.0), Some(1.0)),
            "{text}"
        );
        assert_eq!(value("event_age_seconds_bucket{service=\"docs\",le=\"300\"}"), Some(0.0), "{text}");
        assert_eq!(value("event_age_seconds_bucket{service=\"docs\",le=\"1800\"}"), Some(1.0), "{text}");
        assert_eq!(value("outbox_pending{service=\"docs\"}"), Some(7.0), "{text}");
        assert_eq!(samples.iter().find(|(name, _)| name.starts_with("dead_letters_total")).unwrap().1, 2.0);
        assert!(text.contains("# TYPE dead_letters_total counter"), "{text}");
        assert!(text.contains("# HELP outbox_pending "), "{text}");
    }
}

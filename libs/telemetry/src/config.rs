use std::io::IsTerminal;

use serde::{Deserialize, Serialize};

use crate::TelemetryError;

/// The longest log filter that is accepted, in bytes.
const FILTER_LIMIT: usize = 4096;
/// The longest collector endpoint that is accepted, in bytes.
const ENDPOINT_LIMIT: usize = 1024;

/// What to log, how, and where traces go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which log lines are written: a level (`info`) or directives (`info,septet_review=debug`), at most 4096 bytes.
    pub log_filter: String,
    /// How log lines are written. Absent: `text` where standard error is a terminal, else `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// The OTLP collector that traces are exported to over gRPC, such as `http://127.0.0.1:4317`. Absent: traces are
    /// propagated, and their ids logged, but not exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// The share of traces begun here that are sampled, from 0.0 to 1.0. A trace begun elsewhere keeps the decision
    /// that was taken there.
    pub trace_sample_ratio: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { log_filter: "info".to_owned(), log_format: None, otlp_endpoint: None, trace_sample_ratio: 1.0 }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, with `service` and `trace_id`.
    Json,
}

impl Config {
    /// Checks every value without installing anything, so that `config check` can name the offending key.
    ///
    /// # Errors
    ///
    /// [`TelemetryError`] names the key, what is wrong with its value, and what to write instead.
    pub fn check(&self) -> Result<(), TelemetryError> {
        self.filter()?;
        if !(0.0..=1.0).contains(&self.trace_sample_ratio) {
            return Err(TelemetryError::SampleRatio(self.trace_sample_ratio));
        }
        self.endpoint().map(drop)
    }

    pub(crate) fn filter(&self) -> Result<tracing_subscriber::EnvFilter, TelemetryError> {
        let bad = |reason: String| TelemetryError::LogFilter { reason };
        if self.log_filter.len() > FILTER_LIMIT {
            return Err(bad(format!("it is longer than {FILTER_LIMIT} bytes")));
        }
        if self.log_filter.trim().is_empty() {
            return Err(bad("it is empty".to_owned()));
        }
        tracing_subscriber::EnvFilter::builder().parse(&self.log_filter).map_err(|e| bad(e.to_string()))
    }

    /// The endpoint as a URI. Its text appears in no error: people put passwords into URLs.
    pub(crate) fn endpoint(&self) -> Result<Option<http::Uri>, TelemetryError> {
        let Some(text) = &self.otlp_endpoint else { return Ok(None) };
        let bad = |reason| TelemetryError::Endpoint { reason };
        if text.len() > ENDPOINT_LIMIT {
            return Err(bad("it is longer than 1024 bytes"));
        }
        let uri: http::Uri = text.parse().map_err(|_| bad("it is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("it does not start with http:// or https://"));
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err(bad("it contains a user name or password"))
            }
            Some(_) => Ok(Some(uri)),
            None => Err(bad("it names no host")),
        }
    }

    pub(crate) fn format(&self) -> LogFormat {
        let by_terminal = if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
        self.log_format.unwrap_or(by_terminal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(config: &Config) -> String {
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn defaults_pass_and_an_empty_table_gives_them() {
        Config::default().check().unwrap();
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<Config>("log_levle = 'info'").unwrap_err().to_string();
        assert!(error.contains("log_levle"), "{error}");
    }

    #[test]
    fn each_bad_value_is_named_by_its_key() {
        let default = Config::default;
        assert!(message(&Config { log_filter: "septet=loud".into(), ..default() }).contains("log_filter"));
        assert!(message(&Config { log_filter: " ".into(), ..default() }).contains("log_filter"));
        assert!(message(&Config { log_filter: "a".repeat(5000), ..default() }).contains("4096"));
        for ratio in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let text = message(&Config { trace_sample_ratio: ratio, ..default() });
            assert!(text.contains("trace_sample_ratio"), "{text}");
        }
        for endpoint in ["", "collector:4317", "ftp://host", "http://", "not a url"] {
            let text = message(&Config { otlp_endpoint: Some(endpoint.into()), ..default() });
            assert!(text.contains("otlp_endpoint"), "{endpoint}: {text}");
        }
    }

    #[test]
    fn a_password_in_the_endpoint_is_refused_and_not_repeated() {
        let text = message(&Config {
            otlp_endpoint: Some("http://me:hunter2@host:4317".into()),
            ..Config::default()
        });
        assert!(!text.contains("hunter2"), "{text}");
    }
}

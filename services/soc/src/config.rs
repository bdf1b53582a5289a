use std::path::PathBuf;

use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

use crate::sigma::Placeholders;

/// Settings of the soc service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directory with Sigma rules (`.yml`, `.yaml`), also in subdirectories. Read at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_dir: Option<PathBuf>,
    /// Whether the rules that come along are evaluated as well.
    pub builtin_rules: bool,
    /// Values of the placeholders of rules with `expand`, by name: `Servers = ["srv*"]` for `%Servers%`.
    pub placeholders: Placeholders,
    /// Calls of `WatchAlerts` that are served at a time; more are refused (1 to 10,000).
    pub watch_streams: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { rules_dir: None, builtin_rules: true, placeholders: Placeholders::new(), watch_streams: 256 }
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(1..=10_000).contains(&self.watch_streams) {
            return Err(("watch_streams", "must be from 1 to 10,000".to_owned()));
        }
        let Some(directory) = &self.rules_dir else { return Ok(()) };
        match std::fs::read_dir(directory) {
            Ok(_) => Ok(()),
            Err(error) => Err(("rules_dir", format!("cannot read {}: {error}", directory.display()))),
        }
    }
}

use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

use crate::gate::Gate;

/// Settings of the docs service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The gate.
    pub gate: Gate,
    /// Bytes of a file at most; a larger one is named as unread.
    pub max_file_bytes: u64,
    /// Files of a commit that are read at most; those beyond are named as unread.
    pub max_files: usize,
    /// Commits that are read at the same time. Each takes a processor.
    pub readers: usize,
    /// Days for which what was read of a blob is kept.
    pub keep_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { gate: Gate::default(), max_file_bytes: 1 << 20, max_files: 20_000, readers: 1, keep_days: 90 }
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let zero = || "must be at least 1".to_owned();
        if !(0.0..=100.0).contains(&self.gate.min_coverage) {
            return Err(("gate.min_coverage", "must be between 0 and 100".to_owned()));
        }
        if self.max_file_bytes == 0 || self.max_file_bytes > 16 << 20 {
            return Err(("max_file_bytes", "must be between 1 and 16777216".to_owned()));
        }
        if self.max_files == 0 {
            return Err(("max_files", zero()));
        }
        if self.readers == 0 || self.readers > 64 {
            return Err(("readers", "must be between 1 and 64".to_owned()));
        }
        if self.keep_days == 0 {
            return Err(("keep_days", zero()));
        }
        Ok(())
    }
}

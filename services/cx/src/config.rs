use std::time::Duration;

use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

/// Settings of the cx service, the section `cx` of the configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often new figures are added up and guardrails judged, in milliseconds (50 to 3,600,000).
    pub judge_ms: u64,
    /// Days that events are kept, at least as long as the longest conversion window (1 to 3,650). Older ones are refused.
    pub retention_days: u32,
    /// Events that one funnel may look at (1,000 to 100,000,000).
    pub funnel_events: u64,
    /// Activities that one call of `IngestActivity` may bring (1 to 10,000,000).
    pub ingest_activities: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { judge_ms: 1_000, retention_days: 90, funnel_events: 1_000_000, ingest_activities: 100_000 }
    }
}

impl Config {
    /// How often guardrails are judged.
    pub(crate) fn judge_every(&self) -> Duration {
        Duration::from_millis(self.judge_ms)
    }

    /// How long events are kept.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days) * 86_400)
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let within = |key: &'static str, value: u64, from: u64, to: u64| {
            if (from..=to).contains(&value) {
                Ok(())
            } else {
                Err((key, format!("must be from {from} to {to}")))
            }
        };
        within("judge_ms", self.judge_ms, 50, 3_600_000)?;
        within("retention_days", u64::from(self.retention_days), 1, 3_650)?;
        within("funnel_events", self.funnel_events, 1_000, 100_000_000)?;
        within("ingest_activities", self.ingest_activities, 1, 10_000_000)
    }
}

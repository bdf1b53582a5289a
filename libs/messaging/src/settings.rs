use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Backoff;

/// Bounds of the loops. The defaults suit both topologies.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Events that a partition handles in one transaction at most.
    pub batch: usize,
    /// Attempts to handle an event before it is dead-lettered.
    pub attempts: u32,
    /// First pause after a failed attempt, in milliseconds; doubles each time.
    pub backoff_ms: u64,
    /// Longest pause, in milliseconds.
    pub backoff_max_ms: u64,
    /// Seconds that one attempt may take.
    pub handler_timeout_secs: u64,
    /// Seconds that one attempt at a job may take.
    pub job_timeout_secs: u64,
    /// Jobs of one queue that run at a time in this process.
    pub workers: u16,
    /// Jobs of one queue that this process holds at a time.
    pub prefetch: u16,
    /// Records that the relay sends at a time.
    pub relay_batch: u32,
    /// How often the relay looks for rows of other replicas, in milliseconds.
    pub relay_poll_ms: u64,
    /// Unsent rows above which writes are refused.
    pub outbox_limit: u64,
    /// Largest event or job that may be published, in bytes.
    pub max_message_bytes: usize,
    /// Days that inbox rows and stored replies are kept. Longer than any topic keeps a record.
    pub inbox_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: 64,
            attempts: 8,
            backoff_ms: 100,
            backoff_max_ms: 30_000,
            handler_timeout_secs: 60,
            job_timeout_secs: 900,
            workers: 2,
            prefetch: 16,
            relay_batch: 1_000,
            relay_poll_ms: 100,
            outbox_limit: 100_000,
            max_message_bytes: 960 * 1024,
            inbox_days: 14,
        }
    }
}

impl Settings {
    /// Pauses between attempts.
    pub fn backoff(&self) -> Backoff {
        Backoff::new(Duration::from_millis(self.backoff_ms), Duration::from_millis(self.backoff_max_ms))
    }

    pub(crate) fn handler_timeout(&self) -> Duration {
        Duration::from_secs(self.handler_timeout_secs)
    }

    pub(crate) fn job_timeout(&self) -> Duration {
        Duration::from_secs(self.job_timeout_secs)
    }

    pub(crate) fn relay_poll(&self) -> Duration {
        Duration::from_millis(self.relay_poll_ms.max(1))
    }

    pub(crate) fn inbox_retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.inbox_days) * 24 * 3_600)
    }
}

//! The embedded log and queue against the conformance suite.

use std::time::Duration;

use async_trait::async_trait;
use septet_messaging::{
    log::{
        SharedLog,
        embedded::{EmbeddedLog, EmbeddedOptions as LogOptions},
    },
    queue::{
        SharedQueue,
        embedded::{EmbeddedOptions as QueueOptions, EmbeddedQueue},
    },
};
use septet_testkit::conformance::{LogFixture, QueueFixture};
use tempfile::TempDir;

struct Embedded {
    dir: TempDir,
}

impl Embedded {
    fn new() -> Option<Self> {
        Some(Self { dir: TempDir::new().expect("a directory") })
    }
}

#[async_trait]
impl LogFixture for Embedded {
    async fn open(&self) -> SharedLog {
        let options = LogOptions { retention_interval: Duration::from_millis(50), ..LogOptions::default() };
        EmbeddedLog::open(self.dir.path(), options).await.expect("the log opens")
    }

    fn record_limit(&self) -> usize {
        8 << 20
    }
}

#[async_trait]
impl QueueFixture for Embedded {
    async fn open(&self) -> SharedQueue {
        EmbeddedQueue::open(self.dir.path(), QueueOptions::default()).await.expect("the queue opens")
    }

    fn job_limit(&self) -> usize {
        8 << 20
    }
}

mod log {
    use super::*;
    septet_testkit::log_conformance!(Embedded::new());
}

mod queue {
    use super::*;
    septet_testkit::queue_conformance!(Embedded::new());
}

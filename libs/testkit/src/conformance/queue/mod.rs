//! The queue's conformance suite.

mod delivery;
mod steps;

use std::time::Duration;

use async_trait::async_trait;
use septet_messaging::queue::SharedQueue;

pub use delivery::*;

/// A queue backend under test.
#[async_trait]
pub trait QueueFixture: Send + Sync + 'static {
    /// Opens the queue. Called again, it opens the same data once more, as another process would: the case may have
    /// closed the first one, or not.
    async fn open(&self) -> SharedQueue;

    /// Largest job that the queue surely takes; a job twice as large is surely refused.
    fn job_limit(&self) -> usize {
        1 << 20
    }

    /// How much longer than asked a delay may take, for backends that round it up.
    fn delay_slack(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Why this backend cannot pass the case with this name; `None` if it must pass. The reason is printed.
    fn exception(&self, case: &str) -> Option<&'static str> {
        let _ = case;
        None
    }
}

#[doc(hidden)]
pub struct QueueCase<F>(pub F);

impl<F: QueueFixture> super::Fixture for QueueCase<F> {
    fn exception_to(&self, case: &str) -> Option<&'static str> {
        self.0.exception(case)
    }
}

/// Calls a macro with the names of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_queue_case {
    ($with:path; $($prefix:tt)*) => {
        $with! { $($prefix)*;
            a_job_is_delivered_as_it_was_sent
            an_acked_job_is_gone
            a_dropped_job_comes_again
        }
    };
}

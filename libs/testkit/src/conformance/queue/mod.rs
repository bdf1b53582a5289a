//! The queue's conformance suite.

mod closing;
mod delays;
mod delivery;
mod histories;
mod limits;
mod sharing;
mod steps;

use std::time::Duration;

use async_trait::async_trait;
use septet_messaging::queue::SharedQueue;

pub use closing::*;
pub use delays::*;
pub use delivery::*;
pub use histories::*;
pub use limits::*;
pub use sharing::*;

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
            jobs_come_in_the_order_in_which_they_were_sent
            a_retried_job_comes_after_its_delay
            a_delayed_job_does_not_come_early
            prefetch_bounds_what_is_out
            consumers_never_share_a_job
            cancelled_waits_lose_no_job
            a_consumer_that_vanishes_gives_back
            attempts_outlive_the_queue
            depth_tells_ready_delayed_and_leased
            declaring_again_keeps_the_jobs
            unknown_queues_and_bad_names_are_refused
            large_jobs_are_taken_up_to_the_limit
            a_closed_queue_says_so
            the_history_of_senders_and_workers_holds
        }
    };
}

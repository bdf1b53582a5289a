//! The log's conformance suite.

mod appending;
mod groups;
mod steps;

use async_trait::async_trait;
use septet_messaging::log::SharedLog;

pub use appending::*;
pub use groups::*;

/// A log backend under test.
#[async_trait]
pub trait LogFixture: Send + Sync + 'static {
    /// Opens the log. Called again, it opens the same data once more, as another process would: the case may have
    /// closed the first one, or not.
    async fn open(&self) -> SharedLog;

    /// Largest record that the log surely takes; a record twice as large is surely refused.
    fn record_limit(&self) -> usize {
        1 << 20
    }

    /// Why this backend cannot pass the case with this name; `None` if it must pass. The reason is printed.
    fn exception(&self, case: &str) -> Option<&'static str> {
        let _ = case;
        None
    }
}

#[doc(hidden)]
pub struct LogCase<F>(pub F);

impl<F: LogFixture> super::Fixture for LogCase<F> {
    fn exception_to(&self, case: &str) -> Option<&'static str> {
        self.0.exception(case)
    }
}

/// Calls a macro with the names of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_log_case {
    ($with:path; $($prefix:tt)*) => {
        $with! { $($prefix)*;
            appends_keep_their_order_per_key
            keys_reach_every_partition_by_murmur2
            records_come_back_as_they_were
            unknown_topic_is_refused
            uncommitted_records_come_again
            a_group_resumes_where_it_committed
        }
    };
}

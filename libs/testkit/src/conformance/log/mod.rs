//! The log's conformance suite.

mod appending;
mod closing;
mod groups;
mod histories;
mod reading;
mod rebalance;
mod retention;
mod steps;
mod topics;

use async_trait::async_trait;
use septet_messaging::log::SharedLog;

pub use appending::*;
pub use closing::*;
pub use groups::*;
pub use histories::*;
pub use reading::*;
pub use rebalance::*;
pub use retention::*;
pub use topics::*;

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
            header_keys_need_not_be_text
            unknown_topic_is_refused
            large_records_are_taken_up_to_the_limit
            a_refused_record_holds_back_its_key
            topics_are_created_once_and_only_widened
            retention_is_changed
            topic_names_are_checked
            topics_tell_what_they_keep
            widened_partitions_reach_running_members
            readers_begin_where_they_are_told
            a_batch_is_bounded_and_waits_for_the_first_record
            cancelled_batches_lose_nothing
            uncommitted_records_come_again
            a_group_resumes_where_it_committed
            a_new_group_starts_at_the_first_record
            groups_do_not_disturb_each_other
            lag_counts_what_was_not_fetched
            members_share_and_never_both_own
            cancelled_turns_lose_no_assignment
            a_commit_before_giving_back_is_kept
            a_member_that_gave_back_cannot_commit
            a_member_that_vanishes_is_replaced
            records_outlive_the_log
            a_closed_log_says_so
            old_records_are_removed
            surplus_records_are_removed
            the_history_of_appenders_and_members_holds
        }
    };
}

//! What a log and a queue are, as tests: every backend passes the same cases, so that a service cannot tell which one it
//! runs on.
//!
//! A backend implements [`LogFixture`] or [`QueueFixture`] and writes one line in its integration tests,
//! `septet_testkit::log_conformance!(expression)`. Each case becomes a `#[tokio::test]` of its own. The expression is
//! evaluated once for each case, may `await`, and gives `Option<impl Fixture>`; `None` means that the server is absent.

pub mod log;
pub mod queue;

use std::{future::Future, time::Duration};

pub use log::LogFixture;
pub use queue::QueueFixture;

use crate::within;

/// How long one case may take in all.
const CASE_LIMIT: Duration = Duration::from_secs(180);

/// A name that no other case or run uses, so that cases share a server without meeting.
pub fn unique(stem: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{stem}-{}", &id[..12])
}

/// Runs one case unless its fixture is absent or declares an exception. The macros call it.
#[doc(hidden)]
#[allow(clippy::print_stderr, reason = "a test's output is where a skip must be seen")]
pub async fn run<F: Fixture, C: Future<Output = ()>>(
    case: &str,
    fixture: Option<F>,
    body: impl FnOnce(std::sync::Arc<F>) -> C,
) {
    let Some(fixture) = fixture else { return };
    match fixture.exception_to(case) {
        Some(reason) => eprintln!("EXCEPTION {case}: {reason}"),
        None => {
            within(CASE_LIMIT, format_args!("the end of {case}"), body(std::sync::Arc::new(fixture))).await;
        }
    }
}

/// What log and queue fixtures have in common, for [`run`].
#[doc(hidden)]
pub trait Fixture: Send + Sync + 'static {
    /// See [`LogFixture::exception`] and [`QueueFixture::exception`].
    fn exception_to(&self, case: &str) -> Option<&'static str>;
}

/// Expands to one test for each case of the log's conformance suite.
///
/// ```ignore
/// septet_testkit::log_conformance!(Some(EmbeddedFixture::new()));
/// septet_testkit::log_conformance!(KafkaFixture::start().await);
/// ```
#[macro_export]
macro_rules! log_conformance {
    ($fixture:expr) => {
        $crate::for_each_log_case! { $crate::__conformance_tests; LogCase; log; $fixture }
    };
}

/// Expands to one test for each case of the queue's conformance suite.
#[macro_export]
macro_rules! queue_conformance {
    ($fixture:expr) => {
        $crate::for_each_queue_case! { $crate::__conformance_tests; QueueCase; queue; $fixture }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($wrap:ident; $suite:ident; $fixture:expr; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::run(
                    stringify!($case),
                    { $fixture }.map($crate::conformance::$suite::$wrap),
                    |fixture| async move { $crate::conformance::$suite::$case(&fixture.0).await },
                )
                .await;
            }
        )*
    };
}

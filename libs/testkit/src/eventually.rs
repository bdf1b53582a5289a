//! Waiting for a condition, never for luck: every wait has a condition that ends it and a deadline that fails it.

use std::{fmt::Display, future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout};

/// How long a wait may take before the test fails. Long, as it costs nothing while all is well.
pub struct Deadline;

impl Deadline {
    /// For what takes milliseconds when it works.
    pub const SHORT: Duration = Duration::from_secs(20);
    /// For what takes seconds when it works: sessions that time out, servers that start.
    pub const LONG: Duration = Duration::from_secs(90);
}

/// Asks again until the condition holds; panics, naming what was waited for, when it does not within
/// [`Deadline::SHORT`].
pub async fn eventually<T>(what: impl Display, condition: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_in(Deadline::SHORT, what, condition).await
}

/// As [`eventually`], with a deadline of its own.
pub async fn eventually_in<T>(
    limit: Duration,
    what: impl Display,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(met) = condition().await {
            return met;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

/// The future's output; panics, naming what was waited for, when it takes longer than `limit`.
pub async fn within<T>(limit: Duration, what: impl Display, future: impl Future<Output = T>) -> T {
    match timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {limit:?} in vain: {what}"),
    }
}

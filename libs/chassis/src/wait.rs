use std::{fmt::Display, future::Future, time::Duration};

use tokio::time::Instant;

use crate::backoff::Backoff;

/// The pauses between looks at what is away.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How often the log says what is waited for.
const SAY: Duration = Duration::from_secs(30);

/// Tries until it succeeds, fails for good, or `limit` has passed. Each failure that may pass is told to `note`.
pub(crate) async fn until_there<T, E: Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    limit: Option<Duration>,
    may_pass: impl Fn(&E) -> bool,
    note: impl Fn(&E),
    mut attempt: impl FnMut() -> F,
) -> Result<T, E> {
    let end = limit.map(|limit| Instant::now() + limit);
    let mut backoff = Backoff::new(PAUSE.0, PAUSE.1);
    let mut said: Option<Instant> = None;
    loop {
        let error = match attempt().await {
            Err(error) if may_pass(&error) => error,
            outcome => return outcome,
        };
        note(&error);
        let now = Instant::now();
        if end.is_some_and(|end| now >= end) {
            return Err(error);
        }
        if said.is_none_or(|said| now - said >= SAY) {
            said = Some(now);
            tracing::warn!(what, %error, "waiting for what is not there yet");
        }
        let pause = now + backoff.pause();
        tokio::time::sleep_until(end.map_or(pause, |end| end.min(pause))).await;
    }
}

//! Until when a call may take, from one process to the next.

use std::{future::Future, time::Duration};

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

/// How gRPC carries what is left of a deadline.
const HEADER: &str = "grpc-timeout";

tokio::task_local! {
    static CURRENT: Instant;
}

/// Runs the handling of a call that has to end by `deadline`; calls that it makes inherit it.
pub(crate) async fn within<F: Future>(deadline: Instant, handling: F) -> F::Output {
    CURRENT.scope(deadline, handling).await
}

/// The deadline of the call that is being handled here; `None` outside of one.
pub(crate) fn current() -> Option<Instant> {
    CURRENT.try_with(|deadline| *deadline).ok()
}

/// How long the caller is willing to wait: digits and a unit. One that makes no sense is as good as none.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3_600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Tells the server until when the answer is wanted.
pub(crate) fn carry(headers: &mut HeaderMap, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().min(99_999_999);
    if let Ok(value) = HeaderValue::try_from(format!("{left}m")) {
        headers.insert(HEADER, value);
    }
}

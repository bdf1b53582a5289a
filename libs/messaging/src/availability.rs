use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tokio::{sync::Mutex, time::timeout};

/// How long a backend may take to show that it is there.
const LIMIT: Duration = Duration::from_secs(2);
/// An answer is good for this long, however many ask.
const FRESH: Duration = Duration::from_secs(1);

/// Whether a backend does what it is there for, as of the last look.
pub(crate) struct Availability {
    backend: &'static str,
    last: Mutex<Option<Look>>,
}

struct Look {
    at: Instant,
    trouble: Option<Trouble>,
}

#[derive(Clone)]
struct Trouble {
    since: Instant,
    reason: String,
}

impl Availability {
    pub(crate) fn new(backend: &'static str) -> Self {
        Self { backend, last: Mutex::new(None) }
    }

    /// Ok, or why not and for how long, by an answer that is fresh.
    pub(crate) async fn look<E: Display>(
        &self,
        ping: impl Future<Output = Result<(), E>>,
    ) -> Result<(), String> {
        // Held across the question, so that many who ask at once ask the backend once.
        let mut last = self.last.lock().await;
        if last.as_ref().is_none_or(|look| look.at.elapsed() >= FRESH) {
            let reason = match timeout(LIMIT, ping).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_elapsed) => Some(format!("{} gave no answer within {LIMIT:?}", self.backend)),
            };
            let at = Instant::now();
            let before = last.take().and_then(|look| look.trouble);
            let since = before.map_or(at, |trouble| trouble.since);
            let trouble = reason.map(|reason| Trouble { since, reason });
            *last = Some(Look { at, trouble });
        }
        match last.as_ref().and_then(|look| look.trouble.as_ref()) {
            None => Ok(()),
            Some(Trouble { since, reason }) => Err(format!("{reason} (for {} s)", since.elapsed().as_secs())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn an_answer_is_bounded_and_names_the_reason() {
        let availability = Availability::new("kafka");
        let silent = availability.look(pending::<Result<(), String>>()).await.expect_err("silent");
        assert!(silent.contains("kafka gave no answer within 2s"), "{silent}");
        // Not asked again so soon.
        let cached = availability.look(ready(Ok::<(), String>(()))).await.expect_err("still");
        assert_eq!(cached, silent);
        let other = Availability::new("kafka");
        let refused = other.look(ready(Err::<(), _>("refused"))).await.expect_err("away");
        assert!(refused.starts_with("refused (for 0 s)"), "{refused}");
    }
}

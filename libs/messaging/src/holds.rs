use std::{collections::HashMap, time::Instant};

use crate::Backoff;

/// Destinations that do not exist. Their rows wait in the outbox without keeping others from being sent, and are tried again
/// after a pause that grows.
pub(crate) struct Holds {
    backoff: Backoff,
    held: HashMap<String, Hold>,
}

struct Hold {
    until: Instant,
    tries: u32,
}

impl Holds {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, held: HashMap::new() }
    }

    /// Those to leave alone now.
    pub(crate) fn now(&self) -> Vec<String> {
        let now = Instant::now();
        self.held.iter().filter(|(_, hold)| now < hold.until).map(|(name, _)| name.clone()).collect()
    }

    /// It does not exist, or still not.
    pub(crate) fn add(&mut self, destination: &str) {
        let now = Instant::now();
        let hold = self.held.entry(destination.to_owned()).or_insert(Hold { until: now, tries: 0 });
        hold.tries = hold.tries.saturating_add(1);
        hold.until = now + self.backoff.while_away(hold.tries);
    }

    /// It does.
    pub(crate) fn remove(&mut self, destination: &str) {
        self.held.remove(destination);
    }
}

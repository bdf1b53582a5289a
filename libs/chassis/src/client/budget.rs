use std::sync::atomic::{AtomicU32, Ordering};

/// Calls that earn one retry.
const CALLS: u32 = 5;
/// Retries that may be saved up.
const SAVED: u32 = 100;
/// Retries that there are to begin with.
const BEGIN: u32 = 5;

/// How many retries there may be: one for every five calls. However many calls fail, the servers see at most 1.2 times as
/// many as there were, and [`BEGIN`].
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub fn new() -> Self {
        Self(AtomicU32::new(BEGIN * CALLS))
    }

    /// Counts a call.
    pub fn earn(&self) {
        let more = |saved: u32| (saved < SAVED * CALLS).then(|| saved + 1);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes a retry, if there is one left.
    pub fn spend(&self) -> bool {
        let less = |saved: u32| saved.checked_sub(CALLS);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_fifth_of_the_calls() {
        let budget = Budget::new();
        let mut retries = 0;
        for _ in 0..1_000 {
            budget.earn();
            // Every call fails, and so does its first retry.
            retries += u32::from(budget.spend()) + u32::from(budget.spend());
        }
        assert_eq!(retries, 1_000 / CALLS + BEGIN);
    }

    #[test]
    fn a_long_peace_does_not_pay_for_a_storm() {
        let budget = Budget::new();
        (0..1_000_000).for_each(|_| budget.earn());
        assert_eq!((0..1_000).filter(|_| budget.spend()).count() as u32, SAVED);
    }
}

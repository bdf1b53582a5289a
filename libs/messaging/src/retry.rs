use std::time::Duration;

use rand::Rng;

/// Longest pause between two looks at something that is away.
const AWAY: Duration = Duration::from_secs(2);

/// Exponential pauses with full jitter in the upper half, so that replicas that failed together do not come back together.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
}

impl Backoff {
    /// Pauses from about `first`, doubling, up to `max`.
    pub fn new(first: Duration, max: Duration) -> Self {
        Self { first, max: max.max(first) }
    }

    /// The pause while something that the work needs is away, after the given number of looks, from 1: short, so that the
    /// work goes on seconds after the return.
    pub fn while_away(&self, looks: u32) -> Duration {
        self.pause(looks).min(AWAY)
    }

    /// The pause after the given number of failed attempts, from 1.
    pub fn pause(&self, failed: u32) -> Duration {
        let doubled =
            self.first.saturating_mul(1_u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.max).mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_bound_and_stay_there() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
        for (failed, most) in [(1, 100), (2, 200), (5, 1_600), (9, 25_600), (10, 30_000), (u32::MAX, 30_000)]
        {
            let pause = backoff.pause(failed);
            assert!(pause <= Duration::from_millis(most), "{failed}: {pause:?}");
            assert!(pause >= Duration::from_millis(most / 2), "{failed}: {pause:?}");
        }
    }
}

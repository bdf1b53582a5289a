//! How a job waits for its time without a plugin.
//!
//! Beside each queue there are six delay queues, in each of which every message lives equally long: only so does a
//! message that is due never stand behind one that is not. When its time in a delay queue is over, RabbitMQ moves it to
//! the job's queue (at-least-once dead-lettering between quorum queues). A job carries the time at which it is due. The
//! consumer that gets it too early puts it into the next, shorter delay queue and settles the first copy; the worker
//! never sees it.
//!
//! A job therefore never comes early, as far as the clocks of the machines agree, and comes late by at most the
//! shortest step (250 ms), the broker's own time for each of its hops, and the wait for a free consumer. A job that
//! waits an hour takes five to thirty hops.

use std::time::Duration;

/// What a message lives in each delay queue, rising.
pub(super) const STEPS: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(2 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(2 * 3600),
];

/// The delay queue for a job that is due in `remaining`: the longest that does not make it late, or the shortest.
/// `None` if it is due.
pub(super) fn step(remaining: Duration) -> Option<Duration> {
    if remaining.is_zero() {
        return None;
    }
    STEPS.into_iter().rev().find(|step| *step <= remaining).or(Some(STEPS[0]))
}

/// Name of the delay queue.
pub(super) fn queue_name(queue: &str, step: Duration) -> String {
    format!("{queue}{INFIX}{}", step.as_millis())
}

/// What delay queues have in their names.
pub(super) const INFIX: &str = ".delay.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_never_early_and_at_most_the_shortest_step_late() {
        for millis in (1..20_000).chain([61_000, 600_000, 3_599_999, 7_200_000, 30 * 86_400_000]) {
            let delay = Duration::from_millis(millis);
            let (mut waited, mut hops) = (Duration::ZERO, 0);
            while let Some(step) = step(delay.saturating_sub(waited)) {
                waited += step;
                hops += 1;
            }
            assert!(waited >= delay && waited < delay + STEPS[0], "{delay:?}: {waited:?}");
            assert!(hops <= 40 + delay.as_secs() / STEPS[5].as_secs(), "{delay:?}: {hops} hops");
        }
    }

    #[test]
    fn nothing_waits_without_a_delay() {
        assert_eq!(step(Duration::ZERO), None);
    }
}

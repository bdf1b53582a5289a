//! Funnels against a search through all ways.

use proptest::prelude::*;
use septet_cx::funnel::{Funnel, Step, Walk};

/// For each step, the earliest end of a way to it, and whether there is one: by trying every choice of events.
fn reached(events: &[(i64, usize)], steps: &[usize], window: i64) -> Vec<bool> {
    (1..=steps.len())
        .map(|depth| {
            fn search(
                events: &[(i64, usize)],
                steps: &[usize],
                from: usize,
                begun: Option<i64>,
                window: i64,
            ) -> bool {
                let Some((wanted, rest)) = steps.split_first() else { return true };
                (from..events.len()).any(|index| {
                    let (at, name) = events[index];
                    let begun_at = begun.unwrap_or(at);
                    name == *wanted
                        && at - begun_at <= window
                        && search(events, rest, index + 1, Some(begun_at), window)
                })
            }
            search(events, &steps[..depth], 0, None, window)
        })
        .collect()
}

fn walk(events: &[(i64, usize)], steps: &[usize], window: i64) -> Walk {
    let mut walk = Walk::new(steps.len(), window);
    for (at, name) in events {
        walk.event(*at, |step| steps[step] == *name);
    }
    walk
}

proptest! {
    #[test]
    fn every_way_is_found(
        mut events in proptest::collection::vec((0..40_i64, 0..3_usize), 0..14),
        steps in proptest::collection::vec(0..3_usize, 1..5),
        window in 0..30_i64,
    ) {
        events.sort_by_key(|(at, _)| *at);
        let mut funnel = Funnel::new(steps.len());
        funnel.add(&walk(&events, &steps, window));
        let came: Vec<bool> = funnel.steps().iter().map(|step| step.units == 1).collect();
        prop_assert_eq!(came, reached(&events, &steps, window));
    }
}

#[test]
fn shares_and_medians_are_of_those_who_came() {
    let mut funnel = Funnel::new(3);
    for events in [
        &[(0, 0), (10, 1), (25, 2)][..],
        &[(5, 0), (25, 1)],
        &[(0, 0), (100, 1)],
        &[(0, 1), (1, 2)],
        &[(0, 0), (4, 0), (10, 1), (30, 2)],
    ] {
        funnel.add(&walk(events, &[0, 1, 2], 30));
    }
    let steps = funnel.steps();
    let step = |units, conversion, step_conversion, median_micros| Step {
        units,
        conversion,
        step_conversion,
        median_micros,
    };
    assert_eq!(steps[0], step(4, 1.0, 1.0, Some(0)));
    // The latest beginning counts: 6 rather than 10 for the last unit.
    assert_eq!(steps[1], step(3, 0.75, 0.75, Some(10)));
    assert_eq!(steps[2], step(2, 0.5, 2.0 / 3.0, Some(25)));
    assert_eq!(Funnel::new(2).steps()[1], step(0, 0.0, 0.0, None));
}

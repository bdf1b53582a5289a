//! How far units came through steps one after another.

/// One unit's way through a funnel. Events are given in the order in which they happened.
///
/// For each step it keeps the latest beginning from which the step was reached: of all ways to a step that one has the most
/// time left.
#[derive(Clone, Debug)]
pub struct Walk {
    window: i64,
    /// Beginning of the best way to each step so far.
    begun: Vec<Option<i64>>,
    /// Time from the beginning to each step, when it was first reached.
    reached: Vec<Option<i64>>,
}

impl Walk {
    /// Through so many steps within a window, in microseconds.
    pub fn new(steps: usize, window: i64) -> Self {
        Self { window, begun: vec![None; steps], reached: vec![None; steps] }
    }

    /// An event at a time, in microseconds, that `is_step` may take for a step. One event is at most one step of a way.
    pub fn event(&mut self, at: i64, is_step: impl Fn(usize) -> bool) {
        // From the last step: so that this event is not the step before as well.
        for step in (0..self.begun.len()).rev().filter(|step| is_step(*step)) {
            let begun = match step.checked_sub(1) {
                None => Some(at),
                Some(before) => self.begun[before].filter(|begun| at.saturating_sub(*begun) <= self.window),
            };
            if let Some(begun) = begun {
                self.begun[step] = Some(begun);
                self.reached[step].get_or_insert(at.saturating_sub(begun));
            }
        }
    }
}

/// How far all units came.
#[derive(Clone, Debug)]
pub struct Funnel {
    /// For each step, the times of those who reached it.
    times: Vec<Vec<i64>>,
}

/// How many came to a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Units.
    pub units: u64,
    /// As a share of those of the first step.
    pub conversion: f64,
    /// As a share of those of the step before; 1 for the first.
    pub step_conversion: f64,
    /// Median time from the first step in microseconds; `None` where nobody came here.
    pub median_micros: Option<i64>,
}

impl Funnel {
    /// Of so many steps.
    pub fn new(steps: usize) -> Self {
        Self { times: vec![Vec::new(); steps] }
    }

    /// One unit more.
    pub fn add(&mut self, walk: &Walk) {
        for (times, reached) in self.times.iter_mut().zip(&walk.reached) {
            times.extend(reached);
        }
    }

    /// The steps.
    pub fn steps(mut self) -> Vec<Step> {
        let counts: Vec<u64> = self.times.iter().map(|times| times.len() as u64).collect();
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        self.times
            .iter_mut()
            .enumerate()
            .map(|(step, times)| Step {
                units: counts[step],
                conversion: share(counts[step], counts[0]),
                step_conversion: if step == 0 { 1.0 } else { share(counts[step], counts[step - 1]) },
                median_micros: median(times),
            })
            .collect()
    }
}

/// The middle one; of an even number, the mean of the two in the middle, rounded down.
fn median(times: &mut [i64]) -> Option<i64> {
    let middle = times.len() / 2;
    times.sort_unstable();
    let upper = *times.get(middle)?;
    Some(if times.len() % 2 == 1 { upper } else { times[middle - 1] + (upper - times[middle - 1]) / 2 })
}

use super::{
    Interval, Kind, Moments,
    compare::{critical, mean_error},
};

/// Which way a metric gets worse, and how much worse it may get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worsening {
    /// It is worse where it is lower.
    pub higher_is_better: bool,
    /// As a share of the size of the control's mean.
    pub allowed: f64,
}

/// What a guardrail says of a variation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The mean that is just allowed.
    pub bound: f64,
    /// By how much the variation's mean is worse than that, as an interval.
    pub excess: Interval,
}

impl Judgement {
    /// True if the whole interval is worse than allowed.
    pub fn is_breached(&self) -> bool {
        self.excess.low > 0.0
    }
}

/// Judges a variation against the control. `None` with fewer than two units in one of them.
///
/// The interval is that of the difference between the variation's mean and the mean that is allowed, which is a multiple of the
/// control's: unlike the interval of a ratio it does not lose its meaning where the control's mean is small or 0.
pub fn judge(
    kind: Kind,
    worsening: &Worsening,
    control: &Moments,
    variation: &Moments,
    confidence: f64,
) -> Option<Judgement> {
    if control.units < 2 || variation.units < 2 {
        return None;
    }
    let worse = if worsening.higher_is_better { -1.0 } else { 1.0 };
    let size = if control.mean() < 0.0 { -worsening.allowed } else { worsening.allowed };
    let factor = 1.0 + worse * size;
    let bound = factor * control.mean();
    let parts = [
        (factor * factor * mean_error(kind, control), control.units),
        (mean_error(kind, variation), variation.units),
    ];
    let reach = critical(kind, parts, confidence)?;
    Some(Judgement { bound, excess: Interval::around(worse * (variation.mean() - bound), reach) })
}

use super::{Compared, Interval};

/// Which way a metric gets worse, and how much worse it may get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worsening {
    /// It is worse where it is lower.
    pub higher_is_better: bool,
    /// As a share of the size of the control's mean.
    pub allowed: f64,
}

/// What a guardrail says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judgement {
    /// Nothing beyond what is allowed is shown.
    Held,
    /// The whole interval is worse than allowed: worse by so much, and this is the interval of the worsening. Shares of the
    /// control's mean; differences where that is 0.
    Breached {
        /// How much worse.
        worse: f64,
        /// From how much to how much worse.
        interval: Interval,
        /// False where the figures are differences.
        is_relative: bool,
    },
}

/// Judges a comparison. Of a control whose mean is 0 no share can be allowed, so any worsening that is shown is a breach.
pub fn judge(worsening: &Worsening, compared: &Compared) -> Judgement {
    let (change, interval, allowed, is_relative) = match (compared.lift, compared.lift_interval) {
        (Some(lift), Some(interval)) => (lift, interval, worsening.allowed, true),
        _ => (compared.difference, compared.interval, 0.0, false),
    };
    let (worse, interval) = if worsening.higher_is_better {
        (-change, Interval { low: -interval.high, high: -interval.low })
    } else {
        (change, interval)
    };
    if interval.low > allowed {
        Judgement::Breached { worse, interval, is_relative }
    } else {
        Judgement::Held
    }
}

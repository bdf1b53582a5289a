use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::Moments;

/// How a metric is computed for each unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1 or 0.
    Proportion,
    /// Sum of values.
    Mean,
    /// Number of events.
    Count,
}

/// From `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    pub(super) fn around(middle: f64, reach: f64) -> Self {
        Self { low: middle - reach, high: middle + reach }
    }
}

/// A variation against the control. Two-sided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Mean of the variation less that of the control.
    pub difference: f64,
    /// Its interval.
    pub interval: Interval,
    /// `None` where no unit differs from another.
    pub p_value: Option<f64>,
    /// Difference as a share of the size of the control's mean; `None` where that is 0.
    pub lift: Option<f64>,
    /// By the delta method.
    pub lift_interval: Option<Interval>,
    /// Of Welch's test; `None` for proportions, and where no unit differs from another.
    pub degrees_of_freedom: Option<f64>,
}

/// Compares a variation with the control: means and counts by Welch's test, proportions by the normal distribution with
/// variances that are not pooled, so that p-value and interval always agree. `None` with fewer than two units in one of
/// them.
pub fn compare(kind: Kind, control: &Moments, variation: &Moments, confidence: f64) -> Option<Compared> {
    if control.units < 2 || variation.units < 2 {
        return None;
    }
    let (from, to) = (mean_error(kind, control), mean_error(kind, variation));
    let difference = variation.mean_less(control);
    let squared = from + to;
    if squared <= 0.0 {
        let lift = lift(difference, control.mean());
        return Some(Compared {
            difference,
            interval: Interval::around(difference, 0.0),
            p_value: None,
            lift,
            lift_interval: lift.map(|lift| Interval::around(lift, 0.0)),
            degrees_of_freedom: None,
        });
    }
    let degrees = degrees(kind, [(from, control.units), (to, variation.units)]);
    let error = squared.sqrt();
    let (p_value, critical) = two_sided(difference / error, confidence, degrees)?;
    let base = control.mean();
    let lift = lift(difference, base);
    let lift_error = (to / (base * base) + variation.mean().powi(2) * from / base.powi(4)).sqrt();
    Some(Compared {
        difference,
        interval: Interval::around(difference, critical * error),
        p_value: Some(p_value),
        lift,
        lift_interval: lift.map(|lift| Interval::around(lift, critical * lift_error)),
        degrees_of_freedom: degrees,
    })
}

fn lift(difference: f64, base: f64) -> Option<f64> {
    (base != 0.0).then(|| difference / base.abs())
}

/// Squared standard error of a mean.
pub(super) fn mean_error(kind: Kind, of: &Moments) -> f64 {
    let variance = match kind {
        Kind::Proportion => of.mean() * (1.0 - of.mean()),
        Kind::Mean | Kind::Count => of.variance(),
    };
    variance / of.units as f64
}

/// How far an interval reaches around the difference of two means with these squared errors and units; `None` where there is
/// no such distribution.
pub(super) fn critical(kind: Kind, parts: [(f64, i64); 2], confidence: f64) -> Option<f64> {
    let squared = parts[0].0 + parts[1].0;
    if squared <= 0.0 {
        return Some(0.0);
    }
    two_sided(0.0, confidence, degrees(kind, parts)).map(|(_, critical)| critical * squared.sqrt())
}

/// Degrees of freedom by Welch and Satterthwaite; `None` for the normal distribution.
fn degrees(kind: Kind, parts: [(f64, i64); 2]) -> Option<f64> {
    let part = |(error, units): (f64, i64)| error * error / (units as f64 - 1.0);
    let squared = parts[0].0 + parts[1].0;
    (kind != Kind::Proportion).then(|| squared * squared / (part(parts[0]) + part(parts[1])))
}

/// P-value of a statistic, and the value that it has to pass.
fn two_sided(statistic: f64, confidence: f64, degrees: Option<f64>) -> Option<(f64, f64)> {
    let upper = 0.5 + confidence / 2.0;
    match degrees {
        Some(degrees) => {
            let t = StudentsT::new(0.0, 1.0, degrees).ok()?;
            Some((2.0 * t.sf(statistic.abs()), t.inverse_cdf(upper)))
        }
        None => {
            let normal = Normal::standard();
            Some((2.0 * normal.sf(statistic.abs()), normal.inverse_cdf(upper)))
        }
    }
}

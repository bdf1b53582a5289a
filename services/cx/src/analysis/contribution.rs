use super::Kind;

/// Largest value of an event, either way.
pub const MAX_VALUE: f64 = 1e9;
/// One, in millionths.
const ONE: i64 = 1_000_000;
/// Largest figure of a unit, in millionths: ten of the largest values.
const MAX_FIGURE: i128 = 10_000_000_000_000_000;

/// A value in millionths; `None` where it is no number, or too large.
pub fn micros(value: f64) -> Option<i64> {
    (value.abs() <= MAX_VALUE).then(|| (value * ONE as f64).round() as i64)
}

/// A unit's figure after one more event. `None` where it would be too large.
pub fn add_event(kind: Kind, figure: i64, value: i64) -> Option<i64> {
    let sum = match kind {
        Kind::Proportion => return Some(ONE),
        Kind::Count => i128::from(figure) + i128::from(ONE),
        Kind::Mean => i128::from(figure) + i128::from(value),
    };
    bounded(sum)
}

/// A unit's figure from so many events with this sum of values. `None` where it would be too large.
pub fn of_events(kind: Kind, events: i64, sum: i128) -> Option<i64> {
    match kind {
        Kind::Proportion => Some(if events > 0 { ONE } else { 0 }),
        Kind::Count => bounded(i128::from(events) * i128::from(ONE)),
        Kind::Mean => bounded(sum),
    }
}

fn bounded(sum: i128) -> Option<i64> {
    if sum.abs() <= MAX_FIGURE { i64::try_from(sum).ok() } else { None }
}

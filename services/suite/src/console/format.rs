//! Times, amounts and names as pages show them.

use septet_chassis::contract::Timestamp;
use septet_proto_cost::v1::Money;

/// Characters of a commit that people read.
const SHORT: usize = 8;

/// A time for people and, beside it, for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339; empty where the time is not known.
    pub exact: String,
    /// Date and time to the second, in UTC.
    pub text: String,
}

impl Moment {
    /// Of a contract's time.
    pub fn of(time: Option<prost_types::Timestamp>) -> Self {
        let Some(time) = time else { return Self::default() };
        let exact = Timestamp::from(time).to_string();
        let text = match (exact.get(..10), exact.get(11..19)) {
            (Some(date), Some(time)) => format!("{date} {time}"),
            _ => exact.clone(),
        };
        Self { exact, text }
    }
}

/// How long it took, for people; empty where one of the times is not known.
pub fn took(from: Option<prost_types::Timestamp>, to: Option<prost_types::Timestamp>) -> String {
    let (Some(from), Some(to)) = (from, to) else { return String::new() };
    let millis = Timestamp::from(to).since(Timestamp::from(from)).as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!("{} h {:02} min", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

/// The part of a commit's hash that people read.
pub fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// An amount of money to the hundredth, or as exactly as it is known where that is finer.
pub fn money(money: &Money) -> String {
    let digits = format!("{:0>width$}", money.amount.unsigned_abs(), width = places(money) + 1);
    let (whole, part) = digits.split_at(digits.len() - places(money));
    let part = format!("{:0<2}", part.trim_end_matches('0'));
    let sign = if money.amount < 0 { "−" } else { "" };
    format!("{sign}{}.{part} {}", grouped(whole), money.currency)
}

/// By how much one amount is more or less than another; empty where they are not in one currency.
pub fn difference(now: &Money, before: &Money) -> String {
    if now.currency != before.currency {
        return String::new();
    }
    let (Some(left), Some(right)) = (scaled(now, before), scaled(before, now)) else { return String::new() };
    let Some(amount) = left.checked_sub(right) else { return String::new() };
    let scale = now.scale.max(before.scale);
    let shown = self::money(&Money { amount, scale, currency: now.currency.clone() });
    if amount > 0 { format!("+{shown}") } else { shown }
}

/// Decimal places; what no currency has is cut, so that nobody makes a page of zeros.
fn places(money: &Money) -> usize {
    money.scale.min(18) as usize
}

/// The amount at the finer scale of the two.
fn scaled(money: &Money, other: &Money) -> Option<i64> {
    let up = other.scale.saturating_sub(money.scale);
    10_i64.checked_pow(up).and_then(|factor| money.amount.checked_mul(factor))
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, millis: i32) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: millis * 1_000_000 })
    }

    fn usd(amount: i64, scale: u32) -> Money {
        Money { amount, scale, currency: "USD".to_owned() }
    }

    #[test]
    fn times_are_read_by_people_and_programs() {
        let moment = Moment::of(at(1_800_000_000, 250));
        assert_eq!(moment.text, "2027-01-15 08:00:00");
        assert_eq!(moment.exact, "2027-01-15T08:00:00.250000Z");
        assert_eq!(Moment::of(None), Moment::default());
        // A time that no calendar has.
        assert!(!Moment::of(at(i64::MAX, 0)).text.is_empty());
    }

    #[test]
    fn durations_are_as_long_as_they_need_to_be() {
        assert_eq!(took(at(10, 0), at(10, 7)), "7 ms");
        assert_eq!(took(at(10, 0), at(12, 340)), "2.3 s");
        assert_eq!(took(at(0, 0), at(125, 0)), "2 min 05 s");
        assert_eq!(took(at(0, 0), at(7_260, 0)), "2 h 01 min");
        assert_eq!(took(at(10, 0), at(9, 0)), "0 ms");
        assert_eq!(took(None, at(9, 0)), "");
    }

    #[test]
    fn money_is_exact() {
        assert_eq!(money(&usd(123_456, 2)), "1,234.56 USD");
        assert_eq!(money(&usd(-5, 2)), "−0.05 USD");
        assert_eq!(money(&usd(1_234_500_000, 6)), "1,234.50 USD");
        assert_eq!(money(&usd(1_234_567, 6)), "1.234567 USD");
        assert_eq!(money(&usd(1_000_000, 0)), "1,000,000.00 USD");
        assert_eq!(money(&usd(i64::MIN, 18)), "−9.223372036854775808 USD");
    }

    #[test]
    fn amounts_are_compared_at_the_finer_scale() {
        assert_eq!(difference(&usd(150, 2), &usd(1, 0)), "+0.50 USD");
        assert_eq!(difference(&usd(1, 0), &usd(150, 2)), "−0.50 USD");
        assert_eq!(difference(&usd(100, 2), &usd(1, 0)), "0.00 USD");
        let eur = Money { currency: "EUR".to_owned(), ..usd(1, 0) };
        assert_eq!(difference(&usd(1, 0), &eur), "");
        assert_eq!(difference(&usd(i64::MAX, 0), &usd(1, 6)), "");
    }
}

//! Money in whole numbers.

use std::{fmt, iter::Sum, ops};

use septet_proto_cost::v1::Money;

/// Decimals that are kept.
const DECIMALS: u32 = 15;
/// One unit of a currency.
const UNIT: i128 = 10_i128.pow(DECIMALS);
/// One of the stores' micros.
const MICRO: i128 = 10_i128.pow(DECIMALS - 6);
/// Longest number that is read, in bytes.
const MAX_TEXT: usize = 64;

/// An amount in 10^-15 of a currency's unit. Sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

/// An amount as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The amount, rounded half to even.
    pub amount: Amount,
    /// True if it had more than 15 decimals, so that something was lost.
    pub rounded: bool,
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Neither digits nor an exponent in the usual form.
    #[error("not a decimal number")]
    NotANumber,
    /// Beyond [`Amount::MAX`].
    #[error("more than a billion")]
    TooLarge,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Most that one amount may be where it is read: a billion units. Sums may be larger.
    pub const MAX: Self = Self(1_000_000_000 * UNIT);

    /// Reads a decimal number, such as `-12.5` or `35.2E-7`, without ever going over a float.
    ///
    /// # Errors
    /// [`AmountError`].
    pub fn parse(text: &str) -> Result<Parsed, AmountError> {
        if text.len() > MAX_TEXT {
            return Err(AmountError::NotANumber);
        }
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AmountError::NotANumber);
        }
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Parsed { amount: Self::ZERO, rounded: false });
        }
        // The value is `digits` times 10^`shift` in 10^-15. Bounded by MAX_TEXT and by `exponent`.
        let shift = exponent + DECIMALS as i32 - fraction.len() as i32;
        let (value, rounded) = scaled(digits, shift)?;
        let value = if negative { -value } else { value };
        Ok(Parsed { amount: Self(value), rounded })
    }

    /// From whole millionths of the unit.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros as i128 * MICRO)
    }

    /// From the two numbers that the stores keep, or sums of each.
    pub const fn from_parts(micros: i64, rest: i64) -> Self {
        Self(micros as i128 * MICRO + rest as i128)
    }

    /// Millionths of the unit, rounded down, and what remains in 10^-15.
    pub fn parts(self) -> (i64, i64) {
        let micros = self.0.div_euclid(MICRO);
        // The rest is below 10^9. More micros than an i64 holds are nine million billions.
        (
            i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }),
            self.0.rem_euclid(MICRO) as i64,
        )
    }

    /// This amount times a fraction of whole numbers, rounded half to even. `None` where it overflows, or by zero.
    pub fn times(self, numerator: u128, denominator: u128) -> Option<Self> {
        let product = self.0.checked_mul(i128::try_from(numerator).ok()?)?;
        let denominator = i128::try_from(denominator).ok().filter(|denominator| *denominator > 0)?;
        Some(Self(divided(product, denominator)))
    }

    /// For statistics only: the nearest float.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / UNIT as f64
    }

    /// From a statistic, rounded to millionths. Nothing where it is no finite number.
    pub fn from_f64(units: f64) -> Self {
        // Saturates; not a number gives 0.
        Self::from_micros((units * 1e6).round() as i64)
    }

    /// The contract's form: with the fewest decimals, at least two, that say all of it; rounded where it does not fit.
    pub fn money(self, currency: &str) -> Money {
        let (mut amount, mut scale) = (self.0, DECIMALS);
        while scale > 2 && amount % 10 == 0 {
            amount /= 10;
            scale -= 1;
        }
        while scale > 0 && i64::try_from(amount).is_err() {
            amount = divided(amount, 10);
            scale -= 1;
        }
        let most = if amount < 0 { i64::MIN } else { i64::MAX };
        Money { amount: i64::try_from(amount).unwrap_or(most), scale, currency: currency.to_owned() }
    }

    /// From the contract's form. `None` with more than 15 decimals.
    pub fn of(money: &Money) -> Option<Self> {
        let factor = 10_i128.pow(DECIMALS.checked_sub(money.scale)?);
        Some(Self(i128::from(money.amount) * factor))
    }

    /// This many percent of it, rounded half to even.
    pub fn percent(self, percent: u32) -> Self {
        Self(divided(self.0.saturating_mul(i128::from(percent)), 100))
    }

    /// To `decimals` places, for people.
    pub fn rounded(self, decimals: u32) -> String {
        let decimals = decimals.min(DECIMALS);
        let value = divided(self.0, 10_i128.pow(DECIMALS - decimals));
        let unit = 10_u128.pow(decimals);
        let sign = if value < 0 { "-" } else { "" };
        let value = value.unsigned_abs();
        match decimals {
            0 => format!("{sign}{value}"),
            _ => format!("{sign}{}.{:0width$}", value / unit, value % unit, width = decimals as usize),
        }
    }
}

/// An exponent; beyond what any amount needs it is as good as its limit.
fn exponent(text: &str) -> Result<i32, AmountError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    let size = digits.trim_start_matches('0');
    let size = if size.len() > 3 { 1_000 } else { size.parse().unwrap_or(0) };
    Ok(if text.starts_with('-') { -size } else { size })
}

/// Digits times a power of ten, and whether something was lost by rounding.
fn scaled(digits: &str, shift: i32) -> Result<(i128, bool), AmountError> {
    // MAX has 25 digits.
    if digits.len() as i32 + shift > 25 {
        return Err(AmountError::TooLarge);
    }
    let number = |digits: &str| digits.parse::<i128>().unwrap_or(0);
    let (value, rounded) = if shift >= 0 {
        (number(digits) * 10_i128.pow(shift.unsigned_abs()), false)
    } else {
        let dropped = shift.unsigned_abs() as usize;
        let (kept, lost) = digits.split_at(digits.len().saturating_sub(dropped));
        let kept = number(kept);
        // The first lost digit stands right after the kept ones, unless zeros stand between.
        let first =
            if dropped > digits.len() { b'0' } else { lost.as_bytes().first().copied().unwrap_or(b'0') };
        let is_half = first == b'5' && lost[1..].bytes().all(|digit| digit == b'0');
        let up = if is_half { kept % 2 == 1 } else { first >= b'5' };
        (kept + i128::from(up), lost.bytes().any(|digit| digit != b'0'))
    };
    if value > Amount::MAX.0 { Err(AmountError::TooLarge) } else { Ok((value, rounded)) }
}

/// Division rounded half to even; `divisor` is positive.
fn divided(value: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    let up = match (remainder).cmp(&(divisor - remainder)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
    };
    quotient + i128::from(up)
}

/// All decimals that it has, at least two.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut value, mut decimals) = (self.0, DECIMALS);
        while decimals > 2 && value % 10 == 0 {
            value /= 10;
            decimals -= 1;
        }
        f.write_str(&self.rounded(decimals))
    }
}

impl ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, ops::Add::add)
    }
}

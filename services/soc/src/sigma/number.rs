use std::{cmp::Ordering, fmt};

use serde_json::Value;

/// A number of a rule or an event; integers keep all their digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without a fraction.
    Int(i128),
    /// Finite.
    Float(f64),
}

impl Number {
    /// The number that an event's value is, also where it is written as text.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                let int = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                int.map(Self::Int).or_else(|| number.as_f64().and_then(Self::finite))
            }
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        // What Rust reads as a number beyond these, such as `inf`, is a word in a log.
        if text.len() > 64 || !text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
            return None;
        }
        text.parse().map(Self::Int).ok().or_else(|| text.parse().ok().and_then(Self::finite))
    }

    fn finite(float: f64) -> Option<Self> {
        float.is_finite().then_some(Self::Float(float))
    }

    /// How it stands to another one.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            // Only between a whole number and a fraction, where the last digits of a large one do not matter.
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => int.fmt(f),
            Self::Float(float) => float.fmt(f),
        }
    }
}

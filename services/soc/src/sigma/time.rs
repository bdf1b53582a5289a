use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use serde_json::Value;

use super::number::Number;

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Of the month, 1 to 31.
    Day,
    /// Of the year by ISO 8601, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// For example 2026.
    Year,
}

impl TimePart {
    /// The name as rules write it.
    pub fn name(self) -> &'static str {
        match self {
            TimePart::Minute => "minute",
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Week => "week",
            TimePart::Month => "month",
            TimePart::Year => "year",
        }
    }

    /// The part of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year]
            .into_iter()
            .find(|part| part.name() == name)
    }

    /// The least and the greatest that it can be.
    pub fn range(self) -> (i64, i64) {
        match self {
            TimePart::Minute => (0, 59),
            TimePart::Hour => (0, 23),
            TimePart::Day => (1, 31),
            TimePart::Week => (1, 53),
            TimePart::Month => (1, 12),
            TimePart::Year => (0, 9_999),
        }
    }

    /// The part of the time that a value is: text as ISO 8601 or `2026-01-31 12:00:00`, as it is written there, whatever its
    /// zone; or seconds, or from 10^11 on milliseconds, since the epoch. `None` if it is no time.
    pub fn of(self, value: &Value) -> Option<i64> {
        let time = read(value)?;
        Some(match self {
            TimePart::Minute => i64::from(time.minute()),
            TimePart::Hour => i64::from(time.hour()),
            TimePart::Day => i64::from(time.day()),
            TimePart::Week => i64::from(time.iso_week().week()),
            TimePart::Month => i64::from(time.month()),
            TimePart::Year => i64::from(time.year()),
        })
    }
}

fn read(value: &Value) -> Option<NaiveDateTime> {
    if let Value::String(text) = value
        && let Some(time) = written(text.trim())
    {
        return Some(time);
    }
    let seconds = match Number::of(value)? {
        Number::Int(int) => i64::try_from(int).ok()?,
        // Saturates; what is out of range is no time below.
        Number::Float(float) => float as i64,
    };
    let time = if seconds.unsigned_abs() < 100_000_000_000 {
        DateTime::from_timestamp(seconds, 0)
    } else {
        DateTime::from_timestamp_millis(seconds)
    };
    time.map(|time| time.naive_utc())
}

fn written(text: &str) -> Option<NaiveDateTime> {
    if text.len() > 64 {
        return None;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.naive_local());
    }
    let text = text.trim_end_matches([' ', 'Z']);
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
}

//! Days and months as numbers.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

/// Days since 1970-01-01.
pub type Day = i64;
/// Months since the year 0.
pub type Month = i64;

/// Reads `2026-11-21`.
pub fn day(text: &str) -> Option<Day> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)?;
    Some(number(date))
}

/// Reads `2026-11`.
pub fn month(text: &str) -> Option<Month> {
    day(&format!("{text}-01")).map(month_of)
}

/// The month that a day is in.
pub fn month_of(day: Day) -> Month {
    date(day).map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month0()))
}

/// The first day of a month.
pub fn first_of(month: Month) -> Day {
    let year = i32::try_from(month.div_euclid(12)).ok();
    let date = year.and_then(|year| NaiveDate::from_ymd_opt(year, month.rem_euclid(12) as u32 + 1, 1));
    date.map_or(0, number)
}

/// `2026-11-21`.
pub fn day_text(day: Day) -> String {
    date(day).map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string())
}

/// `2026-11`.
pub fn month_text(month: Month) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

/// The day of a time in microseconds since the epoch.
pub fn day_of(micros: i64) -> Day {
    micros.div_euclid(86_400_000_000)
}

/// A time as FOCUS writes it, in microseconds since the epoch, and whether it is exactly in FOCUS's form,
/// `2026-11-21T00:00:00Z`. What has no offset is UTC.
pub fn time(text: &str) -> Option<(i64, bool)> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some((time.timestamp_micros(), text.ends_with('Z')));
    }
    let without_offset = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f UTC"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let time =
        without_offset.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some((time.and_utc().timestamp_micros(), false))
}

fn date(day: Day) -> Option<NaiveDate> {
    let day = i32::try_from(day).ok()?;
    NaiveDate::from_epoch_days(day)
}

fn number(date: NaiveDate) -> Day {
    i64::from(date.to_epoch_days())
}

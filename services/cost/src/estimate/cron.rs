/// How often a month a schedule in cron's five fields comes due, rounded; `None` if it is none.
pub fn runs_a_month(schedule: &str) -> Option<u64> {
    let five = match schedule.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let fields: Vec<&str> = five.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
    let minutes = values(minutes, 0, 59, &[])?.len() as u64;
    let hours = values(hours, 0, 23, &[])?.len() as u64;
    let month_days = values(days, 1, 31, &[])?;
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let in_months = values(months, 1, 12, &names)?;
    let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let mut week: Vec<u32> = values(weekdays, 0, 7, &names)?.into_iter().map(|day| day % 7).collect();
    week.sort_unstable();
    week.dedup();
    let either = !days.starts_with('*') && !weekdays.starts_with('*');
    // In 28 years every day of a year falls on every day of the week equally often; this is their mean.
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let share = week.len() as f64 / 7.0;
    let mut due = 0.0;
    for month in in_months {
        let length = lengths.get(month as usize - 1).copied().unwrap_or(30);
        let matching = month_days.iter().filter(|day| **day <= length).count() as f64;
        // cron takes a day that either field names, where both are given.
        due += if either { matching + (f64::from(length) - matching) * share } else { matching * share };
    }
    Some((due / 12.0 * (minutes * hours) as f64).round() as u64)
}

/// The values that a field allows: `*`, `*/15`, `1-5`, `0,30`, `mon-fri`.
fn values(field: &str, first: u32, last: u32, names: &[&str]) -> Option<Vec<u32>> {
    let number = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let value = match named {
            Some(index) => u32::try_from(index).ok()? + first,
            None => text.parse().ok()?,
        };
        (first..=last).contains(&value).then_some(value)
    };
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, until) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, until)) => (number(from)?, number(until)?),
            None if part.contains('/') => (number(range)?, last),
            None => (number(range)?, number(range)?),
        };
        all.extend((from..=until).step_by(step));
    }
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then_some(all)
}

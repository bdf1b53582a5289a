use std::collections::BTreeMap;

use super::{
    charge::Charge,
    columns::{COLUMNS, Class, Column, Matters},
    identity,
    row::Row,
};
use crate::{
    amount::{Amount, AmountError},
    day,
};

/// Tags of a charge that are kept at most.
const MAX_TAGS: usize = 100;
/// Bytes of a value that is kept at most.
const MAX_VALUE: usize = 4 << 10;

/// Why a row is not as FOCUS has it. Never carries the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The column.
    pub column: String,
    /// What kind of value was found.
    pub found: String,
    /// What FOCUS asks for.
    pub rule: String,
}

/// What a row is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The charge, or why there is none; at least one problem.
    pub charge: Result<Charge, Vec<Problem>>,
    /// Departures that do not change what it costs.
    pub deviations: Vec<Problem>,
    /// An amount that is kept was rounded.
    pub rounded: bool,
}

/// Checks rows of one source.
#[derive(Clone, Debug, Default)]
pub struct Validator {
    /// Columns beyond FOCUS's that tell rows apart.
    pub identity_columns: Vec<String>,
}

impl Validator {
    /// Checks a row against FOCUS.
    pub fn check(&self, row: &Row) -> Validated {
        let mut check = Check::default();
        for column in COLUMNS {
            check.column(column, row);
        }
        for name in [
            "BillingAccountId",
            "SubAccountId",
            "ServiceName",
            "RegionId",
            "RegionName",
            "ResourceId",
            "ProviderName",
        ] {
            let value = row.text(name);
            if value.len() > MAX_VALUE {
                check.report(Matters::Yes, name, value, format!("a text of at most {MAX_VALUE} bytes"));
            }
        }
        check.period("ChargePeriodStart", "ChargePeriodEnd");
        check.period("BillingPeriodStart", "BillingPeriodEnd");
        let rounded = check.rounded;
        let deviations = std::mem::take(&mut check.deviations);
        Validated { charge: self.charge(row, check), deviations, rounded }
    }

    fn charge(&self, row: &Row, mut check: Check) -> Result<Charge, Vec<Problem>> {
        if !check.problems.is_empty() {
            return Err(check.problems);
        }
        let time = |name: &str| check.times.get(name).copied().unwrap_or(0);
        let periods =
            ["ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"].map(time);
        let amount = |name: &str| check.amounts.get(name).copied().unwrap_or(Amount::ZERO);
        let or = |name: &str, other: &str| row.get(name).unwrap_or(row.text(other)).to_owned();
        let text = |name: &str| row.text(name).to_owned();
        Ok(Charge {
            id: identity::of(row, periods, &self.identity_columns),
            day: day::day_of(periods[0]),
            currency: text("BillingCurrency"),
            provider: text("ProviderName"),
            account: or("SubAccountId", "BillingAccountId"),
            service: text("ServiceName"),
            service_category: text("ServiceCategory"),
            region: or("RegionId", "RegionName"),
            resource: text("ResourceId"),
            category: text("ChargeCategory"),
            class: text("ChargeClass"),
            billed: amount("BilledCost"),
            effective: amount("EffectiveCost"),
            list: amount("ListCost"),
            tags: std::mem::take(&mut check.tags),
        })
    }
}

#[derive(Default)]
struct Check {
    amounts: BTreeMap<&'static str, Amount>,
    times: BTreeMap<&'static str, i64>,
    tags: BTreeMap<String, String>,
    problems: Vec<Problem>,
    deviations: Vec<Problem>,
    rounded: bool,
}

impl Check {
    fn column(&mut self, column: &'static Column, row: &Row) {
        let Some(value) = row.get(column.name) else {
            if column.required {
                self.report(column.matters, column.name, "", "a value".to_owned());
            }
            return;
        };
        let wrong = match column.class {
            Class::Text => None,
            Class::Decimal => self.decimal(column.name, value),
            Class::Time => self.time(column.name, value),
            Class::Currency => {
                let is_code = value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase());
                (!is_code).then(|| "a currency of ISO 4217, three capital letters".to_owned())
            }
            Class::OneOf(allowed) => (!allowed.contains(&value)).then(|| match allowed {
                many if many.len() > 6 => "one of the values that FOCUS allows".to_owned(),
                few => format!("one of {}", few.join(", ")),
            }),
            Class::Tags => self.tags(value),
        };
        if let Some(rule) = wrong {
            self.report(column.matters, column.name, value, rule);
        }
    }

    fn decimal(&mut self, name: &'static str, value: &str) -> Option<String> {
        match Amount::parse(value) {
            Ok(parsed) => {
                self.amounts.insert(name, parsed.amount);
                // Others are not kept.
                self.rounded |= parsed.rounded && ["BilledCost", "EffectiveCost", "ListCost"].contains(&name);
                None
            }
            Err(AmountError::NotANumber) => Some("a decimal number".to_owned()),
            Err(AmountError::TooLarge) if name.ends_with("Cost") => {
                Some("an amount of at most a billion".to_owned())
            }
            // A quantity of bytes may well be.
            Err(AmountError::TooLarge) => None,
        }
    }

    fn time(&mut self, name: &'static str, value: &str) -> Option<String> {
        let rule = || "a time in UTC such as 2026-11-21T00:00:00Z".to_owned();
        let Some((time, exact)) = day::time(value) else { return Some(rule()) };
        self.times.insert(name, time);
        if !exact {
            self.report(Matters::No, name, value, rule());
        }
        None
    }

    fn tags(&mut self, value: &str) -> Option<String> {
        let Ok(tags) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value) else {
            return Some("a JSON object".to_owned());
        };
        let too_many = tags.len() > MAX_TAGS;
        let mut tags: BTreeMap<String, String> = tags
            .into_iter()
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => (name, text),
                other => (name, other.to_string()),
            })
            .collect();
        let before = tags.len();
        tags.retain(|name, value| name.len() <= 256 && value.len() <= MAX_VALUE);
        let too_long = tags.len() < before;
        self.tags = tags.into_iter().take(MAX_TAGS).collect();
        (too_many || too_long).then(|| {
            format!("at most {MAX_TAGS} tags, names of at most 256 bytes, values of at most {MAX_VALUE}")
        })
    }

    fn period(&mut self, start: &'static str, end: &'static str) {
        let Some((from, until)) = self.times.get(start).zip(self.times.get(end)) else { return };
        if from >= until {
            let rule = format!("a time after {start}");
            self.problems.push(Problem { column: end.to_owned(), found: "a time".to_owned(), rule });
        }
    }

    fn report(&mut self, matters: Matters, name: &str, value: &str, rule: String) {
        let problem = Problem { column: name.to_owned(), found: kind(value), rule };
        match matters {
            Matters::Yes => self.problems.push(problem),
            Matters::No => self.deviations.push(problem),
        }
    }
}

/// What kind of value this is, without giving it away.
fn kind(value: &str) -> String {
    if value.is_empty() {
        "nothing".to_owned()
    } else if Amount::parse(value).is_ok() {
        "a number".to_owned()
    } else if day::time(value).is_some() {
        "a time in another form".to_owned()
    } else {
        format!("a text of {} characters", value.chars().count())
    }
}

use std::collections::BTreeMap;

use serde::Deserialize;

use super::found::Workload;
use crate::amount::Amount;

/// Example prices for those who have given none.
const DEFAULT: &str = include_str!("../../prices/example.toml");

/// What things cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// ISO 4217.
    pub currency: String,
    /// Where they are from, and of when.
    pub source: String,
    /// Hours of a month.
    pub month_hours: u32,
    /// Nodes, on each of which something may run.
    pub nodes: u32,
    /// Minutes that a job takes.
    pub job_minutes: u32,
    cpu_hour: Amount,
    memory_gib_hour: Amount,
    storage_gib_month: Amount,
    storage_classes: BTreeMap<String, Amount>,
}

/// Why a price file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// It is not TOML, or has other keys.
    #[error("{0}")]
    Format(#[from] toml::de::Error),
    /// A value is not acceptable.
    #[error("`{key}` {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: String,
    source: String,
    date: String,
    #[serde(default = "month_hours")]
    month_hours: u32,
    #[serde(default = "nodes")]
    nodes: u32,
    #[serde(default = "job_minutes")]
    job_minutes: u32,
    prices: Table,
    #[serde(default)]
    storage_classes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    cpu_hour: String,
    memory_gib_hour: String,
    storage_gib_month: String,
}

const fn month_hours() -> u32 {
    730
}

const fn nodes() -> u32 {
    1
}

const fn job_minutes() -> u32 {
    10
}

impl Prices {
    /// Example prices, with their source.
    ///
    /// # Errors
    /// Never, since the file is part of the program and tested.
    pub fn example() -> Result<Self, PriceError> {
        Self::from_toml(DEFAULT)
    }

    /// Reads a price file. Prices are texts, so that none goes over a float.
    ///
    /// # Errors
    /// [`PriceError`] with the key.
    pub fn from_toml(text: &str) -> Result<Self, PriceError> {
        let file: File = toml::from_str(text)?;
        let wrong = |key: &str, problem| PriceError::Value { key: key.to_owned(), problem };
        if file.currency.len() != 3 || !file.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong("currency", "must be three capital letters of ISO 4217"));
        }
        if file.source.is_empty() || file.source.len() + file.date.len() > 512 {
            return Err(wrong("source", "must say in at most 500 bytes where the prices are from"));
        }
        if crate::day::day(&file.date).is_none() {
            return Err(wrong("date", "must be a day such as 2026-11-21"));
        }
        if file.month_hours == 0 || file.month_hours > 744 {
            return Err(wrong("month_hours", "must be from 1 to 744"));
        }
        let price = |key: &str, text: &str| match Amount::parse(text) {
            Ok(parsed) if parsed.amount >= Amount::ZERO && !parsed.rounded => Ok(parsed.amount),
            _ => Err(wrong(key, "must be a price of at most 15 decimals, as a text in quotes")),
        };
        Ok(Self {
            cpu_hour: price("prices.cpu_hour", &file.prices.cpu_hour)?,
            memory_gib_hour: price("prices.memory_gib_hour", &file.prices.memory_gib_hour)?,
            storage_gib_month: price("prices.storage_gib_month", &file.prices.storage_gib_month)?,
            storage_classes: file
                .storage_classes
                .iter()
                .map(|(class, text)| Ok((class.clone(), price(&format!("storage_classes.{class}"), text)?)))
                .collect::<Result<_, PriceError>>()?,
            source: format!("{} ({})", file.source, file.date),
            currency: file.currency,
            month_hours: file.month_hours,
            nodes: file.nodes,
            job_minutes: file.job_minutes,
        })
    }

    /// A month of a workload; `None` where it is beyond all measure.
    pub fn of(&self, workload: &Workload) -> Option<Amount> {
        let minutes = workload.hours.map_or(u64::from(self.month_hours) * 60, |hours| hours.minutes);
        let used = u128::from(workload.replicas).checked_mul(u128::from(minutes))?;
        let cpu = self.cpu_hour.times(used.checked_mul(u128::from(workload.cpu_millis))?, 60 * 1_000)?;
        let memory =
            self.memory_gib_hour.times(used.checked_mul(u128::from(workload.memory_bytes))?, 60 << 30)?;
        let mut all = cpu + memory;
        for (class, size) in &workload.storage {
            let price = self.storage_classes.get(class).copied().unwrap_or(self.storage_gib_month);
            all += price.times(u128::from(*size) * u128::from(workload.replicas), 1 << 30)?;
        }
        (all <= Amount::MAX).then_some(all)
    }

    /// True if this class of storage has a price of its own.
    pub fn knows(&self, class: &str) -> bool {
        class.is_empty() || self.storage_classes.contains_key(class)
    }
}

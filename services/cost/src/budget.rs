//! Budgets: what makes one, and which thresholds a month has reached.

use prost::Message;
use septet_proto_cost::v1::{Budget, CostMetric};
use uuid::Uuid;

use crate::{
    amount::Amount,
    day::{Month, month_text},
    scope::{self, Filter},
};

/// Thresholds where a budget names none, in percent.
const THRESHOLDS: [u32; 3] = [50, 80, 100];
/// Thresholds of a budget at most.
const MAX_THRESHOLDS: usize = 10;
/// Highest threshold, in percent.
const MAX_THRESHOLD: u32 = 1_000;
/// Bytes of a budget at most: it travels with every event that it gives rise to.
const MAX_BUDGET: usize = 64 << 10;
/// What ids of breaches are derived from.
const BREACHES: Uuid = Uuid::from_u128(0x6f1d_2b1c_52c4_4c8e_9a37_0c5b_7e0d_4f21);

/// A budget that was checked.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Its amount.
    pub amount: Amount,
    /// ISO 4217.
    pub currency: String,
    /// Which charges.
    pub filters: Vec<Filter>,
    /// Rising, in percent.
    pub thresholds: Vec<u32>,
    /// Which of their costs.
    pub metric: CostMetric,
}

impl Limit {
    /// Checks a budget.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn of(budget: &Budget) -> Result<Self, (&'static str, String)> {
        let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if budget.id.is_empty() || budget.id.len() > 64 || !budget.id.bytes().all(is_id) {
            return Err(("budget.id", "must be 1 to 64 of a-z, 0-9, `-`, `_` and `.`".to_owned()));
        }
        for (field, text) in [("budget.name", &budget.name), ("budget.repository", &budget.repository)] {
            if text.len() > 256 {
                return Err((field, "is longer than 256 bytes".to_owned()));
            }
        }
        if budget.encoded_len() > MAX_BUDGET {
            return Err(("budget", format!("is larger than {MAX_BUDGET} bytes")));
        }
        let money = budget.monthly.as_ref().ok_or(("budget.monthly", "is missing".to_owned()))?;
        let amount = Amount::of(money).filter(|amount| *amount > Amount::ZERO && *amount <= Amount::MAX);
        let amount = amount.ok_or((
            "budget.monthly",
            "must be more than nothing, and at most a billion with 15 decimals".to_owned(),
        ))?;
        if money.currency.len() != 3 || !money.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(("budget.monthly.currency", "must be three capital letters of ISO 4217".to_owned()));
        }
        let mut thresholds = budget.thresholds.clone();
        if thresholds.len() > MAX_THRESHOLDS || thresholds.iter().any(|at| *at == 0 || *at > MAX_THRESHOLD) {
            let rule = format!("must be at most {MAX_THRESHOLDS}, each from 1 to {MAX_THRESHOLD}");
            return Err(("budget.thresholds", rule));
        }
        if !budget.repository.is_empty() {
            for (field, is_given) in [
                ("budget.thresholds", !thresholds.is_empty()),
                ("budget.filters", !budget.filters.is_empty()),
                ("budget.metric", budget.metric() != CostMetric::Unspecified),
            ] {
                if is_given {
                    return Err((field, "cannot be given together with `repository`".to_owned()));
                }
            }
        }
        if thresholds.is_empty() {
            thresholds.extend(THRESHOLDS);
        }
        thresholds.sort_unstable();
        thresholds.dedup();
        let filters = scope::filters(&budget.filters).map_err(|problem| ("budget.filters", problem))?;
        Ok(Self { amount, currency: money.currency.clone(), filters, thresholds, metric: budget.metric() })
    }

    /// The thresholds that a month of this cost has reached, rising.
    pub fn reached(&self, spent: Amount) -> impl Iterator<Item = u32> + '_ {
        self.thresholds.iter().copied().filter(move |at| spent >= self.amount.percent(*at))
    }
}

/// The same id for the same budget, month and threshold.
pub fn breach_id(budget_id: &str, month: Month, threshold: u32) -> String {
    let name = format!("{budget_id}/{}/{threshold}", month_text(month));
    Uuid::new_v5(&BREACHES, name.as_bytes()).to_string()
}

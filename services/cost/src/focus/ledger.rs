use std::collections::{BTreeMap, HashMap};

use super::{charge::Charge, summary::Summary};
use crate::amount::Amount;

/// Charges by id in memory, for whoever has no database: what stands, after everything that came.
#[derive(Debug, Default)]
pub struct Ledger {
    charges: HashMap<String, Charge>,
}

/// What charges cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// `BilledCost`.
    pub billed: Amount,
    /// `EffectiveCost`.
    pub effective: Amount,
    /// `ListCost`.
    pub list: Amount,
    /// How many there are.
    pub charges: u64,
}

impl Ledger {
    /// Enters charges, each in the place of an earlier one of its id, and counts what they are.
    pub fn enter(&mut self, charges: Vec<Charge>, summary: &mut Summary) {
        for charge in charges {
            match self.charges.get(&charge.id) {
                Some(earlier) if *earlier == charge => {
                    summary.duplicates += 1;
                    continue;
                }
                Some(_) => summary.replaced += 1,
                None => summary.accepted += 1,
            }
            self.charges.insert(charge.id.clone(), charge);
        }
    }

    /// Totals of what stands, by currency and what `key` says of a charge.
    pub fn totals(&self, key: impl Fn(&Charge) -> String) -> BTreeMap<(String, String), Total> {
        let mut totals: BTreeMap<(String, String), Total> = BTreeMap::new();
        for charge in self.charges.values() {
            let total = totals.entry((charge.currency.clone(), key(charge))).or_default();
            total.billed += charge.billed;
            total.effective += charge.effective;
            total.list += charge.list;
            total.charges += 1;
        }
        totals
    }
}

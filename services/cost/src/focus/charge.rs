use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{amount::Amount, day::Day};

/// A charge as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Hash of what tells it apart, in hexadecimal.
    pub id: String,
    /// Day on which its charge period starts.
    pub day: Day,
    /// ISO 4217.
    pub currency: String,
    /// `ProviderName`; empty where it has none.
    pub provider: String,
    /// `SubAccountId`, or `BillingAccountId` where it has none.
    pub account: String,
    /// `ServiceName`.
    pub service: String,
    /// `ServiceCategory`; empty where it has none.
    pub service_category: String,
    /// `RegionId`, or `RegionName` where it has none; empty without either.
    pub region: String,
    /// `ResourceId`; empty where it has none.
    pub resource: String,
    /// `ChargeCategory`.
    pub category: String,
    /// `Correction`, or empty.
    pub class: String,
    /// `BilledCost`.
    pub billed: Amount,
    /// `EffectiveCost`.
    pub effective: Amount,
    /// `ListCost`; nothing where it has none.
    pub list: Amount,
    /// `Tags`, values that are no texts in JSON.
    pub tags: BTreeMap<String, String>,
}

impl Charge {
    /// Hash of all that is kept of it, in hexadecimal: two versions of a charge with the same one are duplicates.
    pub fn content(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        for text in [
            &self.id,
            &self.currency,
            &self.provider,
            &self.account,
            &self.service,
            &self.service_category,
            &self.region,
            &self.resource,
            &self.category,
            &self.class,
        ] {
            add(text);
        }
        for amount in [self.billed, self.effective, self.list] {
            add(&amount.to_string());
        }
        for (name, value) in &self.tags {
            add(name);
            add(value);
        }
        add(&self.day.to_string());
        hex::encode(hash.finalize())
    }
}

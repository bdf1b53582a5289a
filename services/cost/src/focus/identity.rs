use sha2::{Digest, Sha256};

use super::row::Row;

/// Columns that tell a charge apart, beside its two periods.
pub const IDENTITY: &[&str] = &[
    "AvailabilityZone",
    "BillingAccountId",
    "BillingCurrency",
    "CapacityReservationId",
    "ChargeCategory",
    "ChargeClass",
    "ChargeFrequency",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "ConsumedUnit",
    "InvoiceIssuerName",
    "PricingCategory",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ServiceName",
    "SkuId",
    "SkuMeter",
    "SkuPriceId",
    "SubAccountId",
];

/// The id of a charge: a hash of what tells it apart. `periods` are the four times in microseconds, so that it does not matter how
/// they are written. `extra` are columns that tell rows of this source apart.
pub(crate) fn of(row: &Row, periods: [i64; 4], extra: &[String]) -> String {
    let mut hash = Sha256::new();
    let mut add = |name: &str, value: &str| {
        for text in [name, value] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
    };
    for period in periods {
        add("", &period.to_string());
    }
    for name in IDENTITY.iter().copied().chain(extra.iter().map(String::as_str)) {
        if let Some(value) = row.get(name) {
            add(name, value);
        }
    }
    // Taxes, credits and fees often have no SKU: two of them differ in their descriptions alone.
    if row.get("SkuId").is_none() && row.get("SkuPriceId").is_none() {
        add("ChargeDescription", row.text("ChargeDescription"));
    }
    hex::encode(hash.finalize())
}

//! What FOCUS says of each column that matters here.

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Text,
    Decimal,
    Time,
    /// Three capital letters of ISO 4217.
    Currency,
    OneOf(&'static [&'static str]),
    /// A JSON object.
    Tags,
}

/// What to do about a row whose value is not as FOCUS has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matters {
    /// What it costs, or whose it is, is not known without: the row is not kept.
    Yes,
    /// It is kept, and the deviation reported.
    No,
}

/// One column.
pub(crate) struct Column {
    pub name: &'static str,
    pub class: Class,
    pub required: bool,
    pub matters: Matters,
}

const fn needs(name: &'static str, class: Class) -> Column {
    Column { name, class, required: true, matters: Matters::Yes }
}

const fn should(name: &'static str, class: Class) -> Column {
    Column { name, class, required: true, matters: Matters::No }
}

const fn may(name: &'static str, class: Class) -> Column {
    Column { name, class, required: false, matters: Matters::No }
}

/// FOCUS's service categories.
const SERVICE_CATEGORIES: &[&str] = &[
    "AI and Machine Learning",
    "Analytics",
    "Business Applications",
    "Compute",
    "Databases",
    "Developer Tools",
    "Identity",
    "Integration",
    "Internet of Things",
    "Management and Governance",
    "Media",
    "Migration",
    "Mobile",
    "Multicloud",
    "Networking",
    "Other",
    "Security",
    "Storage",
    "Web",
];

/// The columns that are looked at; columns that stand in no list are left alone.
pub(crate) const COLUMNS: &[Column] = &[
    needs("BilledCost", Class::Decimal),
    needs("EffectiveCost", Class::Decimal),
    needs("BillingAccountId", Class::Text),
    needs("BillingCurrency", Class::Currency),
    needs("BillingPeriodStart", Class::Time),
    needs("BillingPeriodEnd", Class::Time),
    needs("ChargePeriodStart", Class::Time),
    needs("ChargePeriodEnd", Class::Time),
    needs("ChargeCategory", Class::OneOf(&["Usage", "Purchase", "Tax", "Credit", "Adjustment"])),
    Column {
        name: "ChargeClass",
        class: Class::OneOf(&["Correction"]),
        required: false,
        matters: Matters::Yes,
    },
    needs("ServiceName", Class::Text),
    should("ListCost", Class::Decimal),
    should("ContractedCost", Class::Decimal),
    should("ProviderName", Class::Text),
    should("PublisherName", Class::Text),
    should("InvoiceIssuerName", Class::Text),
    should("ServiceCategory", Class::OneOf(SERVICE_CATEGORIES)),
    may("ChargeFrequency", Class::OneOf(&["One-Time", "Recurring", "Usage-Based"])),
    may("PricingCategory", Class::OneOf(&["Standard", "Dynamic", "Committed", "Other"])),
    may("CommitmentDiscountCategory", Class::OneOf(&["Spend", "Usage"])),
    may("CommitmentDiscountStatus", Class::OneOf(&["Used", "Unused"])),
    may("CommitmentDiscountQuantity", Class::Decimal),
    may("CapacityReservationStatus", Class::OneOf(&["Used", "Unused"])),
    may("ConsumedQuantity", Class::Decimal),
    may("PricingQuantity", Class::Decimal),
    may("ListUnitPrice", Class::Decimal),
    may("ContractedUnitPrice", Class::Decimal),
    may("PricingCurrency", Class::Currency),
    may("PricingCurrencyContractedUnitPrice", Class::Decimal),
    may("PricingCurrencyEffectiveCost", Class::Decimal),
    may("PricingCurrencyListUnitPrice", Class::Decimal),
    may("Tags", Class::Tags),
];

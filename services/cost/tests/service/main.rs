//! The service as its callers and its log see it, on both stores.

mod bed;
mod budgets;
mod changes;
mod imports;
mod queries;

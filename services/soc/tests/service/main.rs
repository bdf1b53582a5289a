//! The service as its callers and its log see it, on both stores.

mod alerts;
mod bed;
mod changes;
mod devops;
mod signals;

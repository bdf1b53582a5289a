//! The service as its callers and its log see it, on both stores.

mod bed;
mod calls;
mod changes;
mod devops;

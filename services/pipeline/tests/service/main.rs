//! The service as its callers and its log see it, on both stores.

mod bed;
mod calls;
mod crash;
mod devops;
mod releases;
mod runs;
mod triggers;

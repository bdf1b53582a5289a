//! The service as its callers and its log see it, on both stores.

mod activities;
mod bed;
mod experiments;
mod flags;
mod funnels;

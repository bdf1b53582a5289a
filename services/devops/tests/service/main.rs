//! The service as its callers and its log see it, on both stores.

mod bed;
mod diff;
mod failures;
mod fields;
#[allow(dead_code, reason = "the tests of the git side use the rest")]
#[path = "../git/fixture.rs"]
mod fixture;
mod import;
mod journey;
mod live;
mod register;
mod remote;

//! The service as its callers and its log see it, on both stores.

mod bed;
mod deployed;
mod diff;
mod failures;
mod fields;
#[allow(dead_code, reason = "the tests of the git side use the rest")]
#[path = "../git/fixture.rs"]
mod fixture;
mod guardrails;
mod import;
mod journey;
mod journey_live;
mod live;
mod register;
mod release;
mod remote;
mod sisters;
mod stack;
mod told;
mod tree;

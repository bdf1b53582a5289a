//! Tests of the pure domain through its public interface.

mod conditions;
mod counting;
mod flags;
mod funnel;
mod guardrails;
mod published;
mod statistics;

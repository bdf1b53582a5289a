//! Tests of the pure domain through its public interface.

mod default_rules;
mod diff;
mod policy;
mod rule_files;
mod samples;
mod scan;

//! Tests of the pure domain through its public interface.

mod definitions;
mod expressions;
mod filters;
mod plans;
mod terminal;

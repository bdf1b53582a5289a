//! The engines of the services without any server: for a terminal or a CI job.

pub mod cost;

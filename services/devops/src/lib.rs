//! Watches git repositories and tells what every commit changed.

pub mod git;

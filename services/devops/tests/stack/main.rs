//! What is told of trees, and the pipelines that are written for them.
//!
//! Each file in `samples` is a tree and what must be said of it: `PATH KIND WHAT` for a claim, `PATH member STACK`, `jobs`
//! with the ids of the pipeline's jobs, and below `never` what no component's path and no evidence may have.

mod claims;
mod oracles;
mod pipelines;
mod rule_files;
mod sample;

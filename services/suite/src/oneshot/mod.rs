//! The engines of the services without any server: for a terminal or a CI job.

pub mod cost;
pub mod cx;
pub mod devops;
pub mod docs;
pub mod pipeline;
pub mod review;
pub mod soc;

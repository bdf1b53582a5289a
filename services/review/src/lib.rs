//! The review service: finds secrets in what a change adds, and judges it with a gate policy.
//!
//! The domain ([`diff`], [`rules`], [`scan`], [`policy`]) is pure: bytes and rules in, findings and a verdict out; no clock,
//! randomness, files or network.

mod config;
pub mod diff;
mod diffs;
mod error;
mod events;
pub mod finding;
mod grpc;
pub mod policy;
mod reviewer;
pub mod rules;
pub mod scan;
mod store;

use septet_chassis::{Channel, Service, Units, migrations};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::{
    CONTRACT,
    v1::{DiffSubmitted, review_service_server::ReviewServiceServer},
};

pub use config::Config;
use reviewer::Reviewer;

/// The service.
pub struct Review {
    units: Units,
    reviewer: Reviewer,
    /// Has the diffs that are too large for an event.
    devops: Channel,
}

/// What the service does.
pub fn service() -> Service<Review> {
    Service::new(&CONTRACT, migrations!("review"), |boot| async move {
        let reviewer = Reviewer::new(boot.config()?, boot.units().store()).await?;
        Ok(Review { units: boot.units(), reviewer, devops: boot.channel("devops") })
    })
    .config::<Config>()
    .grpc(ReviewServiceServer::from_arc)
    .on::<ChangePushed>()
    .on::<DiffSubmitted>()
}

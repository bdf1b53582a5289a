//! The cost service: what things cost by FOCUS's charges, whether a budget holds, what a month will have cost, and what a change
//! would cost.
//!
//! The domain ([`amount`], [`focus`], [`forecast`], [`estimate`], [`budget`]) is pure: bytes and prices in, amounts and verdicts
//! out; no clock, randomness, files or network.

pub mod amount;
pub mod budget;
mod config;
pub mod day;
mod error;
pub mod estimate;
mod estimator;
mod events;
pub mod focus;
pub mod forecast;
mod grpc;
mod imports;
pub mod scope;
mod spending;
mod store;

use septet_chassis::{Service, Units, migrations};
use septet_proto_cost::{
    CONTRACT,
    v1::{ChargeSubmitted, cost_service_server::CostServiceServer},
};
use septet_proto_devops::v1::ChangePushed;

pub use config::{Config, Release};
use estimator::Estimator;

/// The service.
pub struct Cost {
    units: Units,
    estimator: Estimator,
}

/// What the service does.
pub fn service() -> Service<Cost> {
    Service::new(&CONTRACT, migrations!("cost"), |boot| async move {
        Ok(Cost { units: boot.units(), estimator: Estimator::new(&boot.config()?)? })
    })
    .config::<Config>()
    .grpc(CostServiceServer::from_arc)
    .on::<ChangePushed>()
    .on::<ChargeSubmitted>()
}

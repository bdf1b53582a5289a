//! What a change would deploy, and what a month of it costs: from Helm values, Compose files and Kubernetes manifests, without
//! running a template engine. What cannot be read is listed, and never guessed.

mod compare;
mod compose;
mod cron;
mod found;
mod helm;
mod judge;
mod kubernetes;
mod pods;
mod price;
mod quantity;
mod read;
mod yaml;

pub use compare::{MAX_LINES, MAX_UNPRICED, estimate};
pub use cron::runs_a_month;
pub use found::{Found, Unpriced, Workload};
pub use judge::{Allowance, judge};
pub use price::{PriceError, Prices};
pub use quantity::{bytes, compose_bytes, millis};
pub use read::{MAX_FILE, MAX_FILES, read};

//! Feature flags as GrowthBook's SDKs evaluate them: the same payload, the same hash, the same answers.

pub mod bucket;
pub mod condition;
mod evaluate;
mod experiment;
pub mod feature;
pub mod hash;
mod payload;
mod sticky;
mod unit;
pub mod url;
pub mod value;

pub use evaluate::{Context, Evaluated, Evaluator, Source};
pub use experiment::Assigned;
pub use payload::{Payload, PayloadError};
pub use sticky::{Sticky, StickyDoc};

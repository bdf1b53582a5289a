//! What experiments come to: figures of units, comparisons with intervals, and what guardrails say of them.
//!
//! Figures are kept as integers of millionths, so adding and taking away units in any order gives the same sums.

mod compare;
mod contribution;
mod exposure;
mod guardrail;
mod moments;
mod result;
mod sample_ratio;

pub use compare::{Compared, Interval, Kind, compare};
pub use contribution::{MAX_VALUE, add_event, micros, of_events};
pub use exposure::{Change, Exposure, changes};
pub use guardrail::{Judgement, Worsening, judge};
pub use moments::Moments;
pub use result::{EXCLUDED, Figures, figures_of, result};
pub(crate) use result::{guarded, kind};
pub use sample_ratio::{SampleRatio, sample_ratio};

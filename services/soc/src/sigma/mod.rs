//! Sigma: reads detection rules (specification 2.1, single events) and finds those that an event fulfils.
//!
//! [`parse`] turns a rule file into [`ir`], which [`RuleSet`] indexes by log source and evaluates against [`Event`]s. All of it
//! is pure but for [`load`], which reads directories.

pub mod event;
mod explain;
pub mod ir;
pub mod load;
mod logsource;
mod matcher;
mod number;
pub mod parse;
mod pattern;
mod set;
mod time;

pub use event::{Event, Fields};
pub use explain::{Matched, explanation, redact};
pub use ir::{Level, Rule};
pub use logsource::{EventSource, LogSource};
pub use parse::{Placeholders, RuleError};
pub use set::{Hit, Loaded, Rejected, RuleSet};

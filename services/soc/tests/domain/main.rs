//! The rules of soc: reading, matching, and what independent references say of both.

mod bed;
mod builtin;
mod conditions;
mod explanations;
mod modifiers;
mod oracle;
mod refusals;
mod values;

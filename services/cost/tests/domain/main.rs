//! The rules, without a service around them.

mod amounts;
mod budgets;
mod charges;
mod estimates;
mod forecasts;
mod sample;

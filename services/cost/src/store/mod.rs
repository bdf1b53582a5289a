//! All SQL of this service.

mod budgets;
mod charges;
mod costs;
mod estimates;
mod statement;

pub(crate) use budgets::{
    budgets, charge_budgets, delete_budget, enter_breach, put_budget, release_budgets, take_turn,
};
pub(crate) use charges::keep;
pub(crate) use costs::{Costs, Group, Place, Where, cost_lines, daily, last_day, month_sums, totals};
pub(crate) use estimates::{EstimatesFilter, estimate_of, estimates, save_estimate};

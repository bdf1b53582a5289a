//! Watches budgets: after every import, and when a budget is put.

use septet_chassis::Cx;
use septet_proto_cost::v1::{Budget, BudgetExceeded, CostMetric};

use crate::{
    budget::{Limit, breach_id},
    day::{Month, month_text},
    error::Error,
    store,
};

/// Tells of the thresholds that these months have reached, of every budget.
pub(crate) async fn watch(cx: &mut Cx, months: impl IntoIterator<Item = Month>) -> Result<(), Error> {
    let months: Vec<Month> = months.into_iter().collect();
    let Some(range) = months.iter().min().copied().zip(months.iter().max().copied()) else { return Ok(()) };
    store::take_turn(cx.tx().await?).await?;
    for budget in store::charge_budgets(cx.tx().await?).await? {
        look(cx, &budget, Some(range)).await?;
    }
    Ok(())
}

/// Tells of the thresholds that a budget has reached in any month. Its turn was taken.
pub(crate) async fn look(cx: &mut Cx, budget: &Budget, months: Option<(Month, Month)>) -> Result<(), Error> {
    // What is kept was checked; an older version's rules may have been others.
    let Ok(limit) = Limit::of(budget) else {
        tracing::warn!(budget = budget.id, "a kept budget is not valid any more, and is left out");
        return Ok(());
    };
    let now = cx.now();
    for costs in store::month_sums(cx.tx().await?, &limit.filters, &limit.currency, months).await? {
        let month = costs.place.period;
        let spent = if limit.metric == CostMetric::Effective { costs.effective } else { costs.billed };
        for threshold in limit.reached(spent) {
            if store::enter_breach(cx.tx().await?, &budget.id, month, threshold, now).await? {
                cx.publish(&BudgetExceeded {
                    budget_id: budget.id.clone(),
                    budget: Some(budget.clone()),
                    month: month_text(month),
                    threshold,
                    spent: Some(spent.money(&limit.currency)),
                    time: Some(now.into()),
                    breach_id: breach_id(&budget.id, month, threshold),
                })?;
            }
        }
    }
    Ok(())
}

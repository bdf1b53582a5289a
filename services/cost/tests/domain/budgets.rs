//! Which budgets are ones, and what they tell.

use septet_cost::{
    amount::Amount,
    budget::{Limit, breach_id},
};
use septet_proto_cost::v1::{Budget, CostFilter, Dimension, Money};

fn budget() -> Budget {
    Budget {
        id: "team-a".to_owned(),
        monthly: Some(Money { amount: 100, scale: 0, currency: "USD".to_owned() }),
        ..Budget::default()
    }
}

#[test]
fn a_threshold_is_reached_at_its_amount_and_not_before() {
    let limit = Limit::of(&Budget { thresholds: vec![100, 50, 100], ..budget() }).unwrap();
    let reached = |text: &str| limit.reached(Amount::parse(text).unwrap().amount).collect::<Vec<_>>();
    assert!(reached("49.999999999999999").is_empty());
    assert_eq!(reached("50"), [50]);
    assert_eq!(reached("100.000000000000001"), [50, 100]);
    assert!(reached("-5").is_empty());
    assert_eq!(Limit::of(&budget()).unwrap().thresholds, [50, 80, 100]);
}

#[test]
fn a_budget_that_is_none_is_refused_by_its_field() {
    let money = |amount, scale| Some(Money { amount, scale, currency: "USD".to_owned() });
    let filter = |dimension: Dimension, tag: &str, values: usize| CostFilter {
        dimension: dimension.into(),
        tag: tag.to_owned(),
        values: vec!["x".to_owned(); values],
    };
    let large = vec![
        CostFilter {
            dimension: Dimension::Service.into(),
            values: vec!["x".repeat(4_000); 20],
            ..CostFilter::default()
        };
        1
    ];
    for (wrong, field) in [
        (Budget { id: String::new(), ..budget() }, "budget.id"),
        (Budget { id: "Team A".to_owned(), ..budget() }, "budget.id"),
        (Budget { name: "x".repeat(257), ..budget() }, "budget.name"),
        (Budget { monthly: None, ..budget() }, "budget.monthly"),
        (Budget { monthly: money(0, 2), ..budget() }, "budget.monthly"),
        (Budget { monthly: money(-1, 2), ..budget() }, "budget.monthly"),
        (Budget { monthly: money(1, 16), ..budget() }, "budget.monthly"),
        (Budget { monthly: money(i64::MAX, 0), ..budget() }, "budget.monthly"),
        (Budget { filters: large, ..budget() }, "budget"),
        (Budget { thresholds: vec![0], ..budget() }, "budget.thresholds"),
        (Budget { thresholds: vec![1_001], ..budget() }, "budget.thresholds"),
        (Budget { thresholds: vec![50], repository: "shop".to_owned(), ..budget() }, "budget.thresholds"),
        (Budget { filters: vec![filter(Dimension::Unspecified, "", 1)], ..budget() }, "budget.filters"),
        (Budget { filters: vec![filter(Dimension::Tag, "", 1)], ..budget() }, "budget.filters"),
        (Budget { filters: vec![filter(Dimension::Service, "team", 1)], ..budget() }, "budget.filters"),
        (Budget { filters: vec![filter(Dimension::Service, "", 0)], ..budget() }, "budget.filters"),
        (Budget { filters: vec![filter(Dimension::Service, "", 1); 11], ..budget() }, "budget.filters"),
    ] {
        assert_eq!(Limit::of(&wrong).unwrap_err().0, field, "{wrong:?}");
    }
}

#[test]
fn a_breach_has_one_id_wherever_it_is_told_of() {
    assert_eq!(breach_id("a", 24_298, 50), breach_id("a", 24_298, 50));
    assert_ne!(breach_id("a", 24_298, 50), breach_id("a", 24_298, 80));
    assert_ne!(breach_id("a", 24_298, 50), breach_id("a", 24_299, 50));
    assert_ne!(breach_id("a", 24_298, 50), breach_id("b", 24_298, 50));
}

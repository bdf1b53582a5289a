//! Budgets and what they tell.

use septet_proto_common::v1::PageRequest;
use septet_proto_cost::v1::{
    Budget, BudgetExceeded, ChargeFormat, CostFilter, DeleteBudgetRequest, Dimension, ListBudgetsRequest,
    Money, PutBudgetRequest,
};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::bed::{Running, charge, file, header};

fn budget(id: &str, amount: i64) -> Budget {
    let monthly = Some(Money { amount, scale: 0, currency: "USD".to_owned() });
    Budget { id: id.to_owned(), monthly, ..Budget::default() }
}

async fn put(running: &Running, budget: Budget) -> Budget {
    let request = PutBudgetRequest { budget: Some(budget), ..PutBudgetRequest::default() };
    running.client().put_budget(request).await.unwrap().into_inner().budget.unwrap()
}

async fn spend(running: &Running, day: &str, service: &str, billed: &str) {
    let rows = file(&[charge(day, service, billed, &[("Tags", r#"{"team":"a"}"#)])]);
    let summary = running.import(header(ChargeFormat::Json), &rows).await.unwrap();
    assert_eq!(summary.rejected, 0, "{summary:#?}");
}

/// Month and threshold of everything that was told of a budget, sorted.
async fn told(running: &Running, id: &str) -> Vec<(String, u32)> {
    let events = running.published::<BudgetExceeded>().await;
    let mut told: Vec<_> =
        events.into_iter().filter(|of| of.budget_id == id).map(|of| (of.month, of.threshold)).collect();
    told.sort();
    told
}

async fn each_threshold_is_told_once_a_month(bed: Bed) {
    let running = Running::on(&bed).await;
    put(&running, budget("all", 100)).await;
    let team =
        CostFilter { dimension: Dimension::Tag.into(), tag: "team".to_owned(), values: vec!["b".to_owned()] };
    put(&running, Budget { filters: vec![team], ..budget("team-b", 1) }).await;
    let machines = CostFilter {
        dimension: Dimension::Service.into(),
        values: vec!["Machines".to_owned()],
        ..CostFilter::default()
    };
    put(&running, Budget { filters: vec![machines], thresholds: vec![100], ..budget("machines", 60) }).await;
    put(&running, Budget { repository: "shop".to_owned(), ..budget("release", 1) }).await;

    spend(&running, "2026-10-01", "Machines", "49.999999999999999").await;
    assert!(told(&running, "all").await.is_empty());
    spend(&running, "2026-10-02", "Queues", "35").await;
    assert_eq!(told(&running, "all").await, [("2026-10".to_owned(), 50), ("2026-10".to_owned(), 80)]);
    // Less, and more again: it has been told.
    spend(&running, "2026-10-02", "Queues", "1").await;
    spend(&running, "2026-10-02", "Queues", "36").await;
    assert_eq!(told(&running, "all").await.len(), 2);
    spend(&running, "2026-11-01", "Machines", "200").await;
    let november = [50, 80, 100].map(|threshold| ("2026-11".to_owned(), threshold));
    assert_eq!(told(&running, "all").await[2..], november);
    assert_eq!(told(&running, "machines").await, [("2026-11".to_owned(), 100)]);
    assert!(told(&running, "team-b").await.is_empty());
    assert!(told(&running, "release").await.is_empty());
    // Put again with less, it tells of what is new; taken away and put again, of nothing.
    put(&running, budget("all", 80)).await;
    assert_eq!(told(&running, "all").await.len(), 6, "October has reached all of 80");
    let delete = DeleteBudgetRequest { id: "all".to_owned(), ..DeleteBudgetRequest::default() };
    running.client().delete_budget(delete.clone()).await.unwrap();
    put(&running, budget("all", 80)).await;
    assert_eq!(told(&running, "all").await.len(), 6);
}

async fn a_budget_tells_of_what_was_spent_before_it(bed: Bed) {
    let running = Running::on(&bed).await;
    spend(&running, "2026-10-01", "Machines", "90").await;
    put(&running, budget("late", 100)).await;
    assert_eq!(told(&running, "late").await, [("2026-10".to_owned(), 50), ("2026-10".to_owned(), 80)]);
}

async fn budgets_are_put_listed_and_deleted(bed: Bed) {
    let running = Running::on(&bed).await;
    let once = PutBudgetRequest { request_id: "once".to_owned(), budget: Some(budget("a", 1)) };
    let first = running.client().put_budget(once.clone()).await.unwrap().into_inner();
    assert_eq!(running.client().put_budget(once).await.unwrap().into_inner(), first);
    assert_eq!(first.budget.unwrap().thresholds, [50, 80, 100]);
    put(&running, budget("b", 2)).await;
    put(&running, budget("c", 3)).await;
    put(&running, budget("b", 20)).await;
    let mut listed = Vec::new();
    let mut page = PageRequest { page_size: 2, ..PageRequest::default() };
    loop {
        let request = ListBudgetsRequest { page: Some(page.clone()) };
        let reply = running.client().list_budgets(request).await.unwrap().into_inner();
        listed.extend(reply.budgets.into_iter().map(|of| (of.id, of.monthly.unwrap().amount)));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, [("a".to_owned(), 1), ("b".to_owned(), 20), ("c".to_owned(), 3)]);
    let delete = DeleteBudgetRequest { id: "b".to_owned(), ..DeleteBudgetRequest::default() };
    running.client().delete_budget(delete.clone()).await.unwrap();
    let gone = running.client().delete_budget(delete).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    let wrong = PutBudgetRequest { budget: Some(budget("Not an id", 1)), ..PutBudgetRequest::default() };
    let wrong = running.client().put_budget(wrong).await.unwrap_err();
    assert!(wrong.message().contains("COST-0001") && wrong.message().contains("budget.id"), "{wrong:?}");
}

on_both_stores!(
    each_threshold_is_told_once_a_month,
    a_budget_tells_of_what_was_spent_before_it,
    budgets_are_put_listed_and_deleted,
);

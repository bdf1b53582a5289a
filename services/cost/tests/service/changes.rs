//! Pushed changes and their estimates.

use septet_proto_common::v1::{PageRequest, Verdict};
use septet_proto_cost::v1::{
    Budget, CostEstimated, EstimateReleaseRequest, GetEstimateRequest, ListEstimatesRequest, Manifest, Money,
    PutBudgetRequest,
};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::bed::{Running, change};

const SMALL: &str = "replicaCount: 1\nresources: {requests: {cpu: 500m, memory: 1Gi}}\n";
const LARGE: &str = "replicaCount: 40\nresources: {requests: {cpu: 500m, memory: 1Gi}}\n";

async fn budget(running: &Running, repository: &str, currency: &str) {
    let monthly = Some(Money { amount: 100, scale: 0, currency: currency.to_owned() });
    let budget =
        Budget { id: "release".to_owned(), monthly, repository: repository.to_owned(), ..Budget::default() };
    let request = PutBudgetRequest { budget: Some(budget), ..PutBudgetRequest::default() };
    running.client().put_budget(request).await.unwrap();
}

async fn a_change_is_estimated_and_published_once_however_often_it_comes(bed: Bed) {
    let running = Running::on(&bed).await;
    budget(&running, "shop", "USD").await;
    let values = "deploy/values.yaml";
    running.push(&change("small", &[(values, SMALL)], &[]), 3).await;
    running.idle().await;
    // Again, as a new event.
    running.push(&change("small", &[(values, LARGE)], &[]), 1).await;
    running.push(&change("large", &[(values, LARGE)], &[(values, SMALL)]), 1).await;
    running.push(&change("nothing", &[], &[]), 1).await;
    let mut same = change("same", &[(values, SMALL)], &[]);
    same.manifests_unchanged = true;
    running.push(&same, 1).await;
    let mut left_out = change("left-out", &[(values, SMALL)], &[]);
    left_out.manifests_left_out = 1;
    running.push(&left_out, 1).await;
    let published = running.published::<CostEstimated>().await;
    assert_eq!(published.len(), 5, "{published:#?}");
    for (id, verdict, words) in [
        ("small", Verdict::Passed, "more than its parent"),
        ("large", Verdict::Failed, "over the budget `release` of 100.00 USD"),
        ("nothing", Verdict::Passed, "deploys nothing that it can price"),
        ("same", Verdict::Passed, "as its parent"),
        ("left-out", Verdict::Failed, "1 manifest is over the limits of devops"),
    ] {
        let request = GetEstimateRequest { change_id: id.to_owned() };
        let estimate = running.client().get_estimate(request).await.unwrap().into_inner().estimate.unwrap();
        let event = published.iter().find(|event| event.change_id == id).unwrap();
        assert_eq!(event.estimate.as_ref(), Some(&estimate));
        assert_eq!(estimate.verdict(), verdict, "{id}: {}", estimate.reason);
        assert!(estimate.reason.contains(words), "{id}: {}", estimate.reason);
        assert_eq!((estimate.repository_name.as_str(), estimate.change_id.as_str()), ("shop", id));
    }
    // 0.5 × 730 × 0.032 + 730 × 0.0043 = 14.819, of the example prices.
    let small = published.iter().find(|event| event.change_id == "small").unwrap().estimate.clone().unwrap();
    assert_eq!(small.monthly, Some(Money { amount: 14_819, scale: 3, currency: "USD".to_owned() }));
    assert_eq!(small.lines[0].path, "resources");
    assert!(small.prices.contains("example"));
}

async fn estimates_are_listed_newest_first_page_by_page(bed: Bed) {
    let running = Running::on(&bed).await;
    for number in 0..5 {
        running.push(&change(&number.to_string(), &[("values.yaml", SMALL)], &[]), 1).await;
        running.idle().await;
    }
    let (mut seen, mut page) = (Vec::new(), PageRequest { page_size: 2, ..PageRequest::default() });
    loop {
        let request = ListEstimatesRequest { page: Some(page.clone()), ..ListEstimatesRequest::default() };
        let reply = running.client().list_estimates(request).await.unwrap().into_inner();
        seen.extend(reply.estimates.into_iter().map(|estimate| estimate.change_id));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let failed = ListEstimatesRequest { verdict: Verdict::Failed.into(), ..ListEstimatesRequest::default() };
    assert!(running.client().list_estimates(failed).await.unwrap().into_inner().estimates.is_empty());
    let unknown = GetEstimateRequest { change_id: "none".to_owned() };
    let unknown = running.client().get_estimate(unknown).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.message().contains("COST-0003"), "{unknown:?}");
}

async fn an_estimate_by_call_keeps_and_publishes_nothing(bed: Bed) {
    let running = Running::with(&bed, &[("cost.release.max_increase", "20".into())]).await;
    let manifest = |text: &str| {
        vec![Manifest { path: "values.yaml".to_owned(), content: text.as_bytes().to_vec().into() }]
    };
    let request = EstimateReleaseRequest {
        repository_name: "shop".to_owned(),
        manifests: manifest(LARGE),
        parent_manifests: manifest(SMALL),
        ..EstimateReleaseRequest::default()
    };
    let reply = running.client().estimate_release(request.clone()).await.unwrap().into_inner();
    let estimate = reply.estimate.unwrap();
    assert_eq!(estimate.verdict(), Verdict::Failed);
    assert!(estimate.reason.contains("cost.release.max_increase"), "{}", estimate.reason);
    // A budget in another currency cannot be kept.
    budget(&running, "shop", "EUR").await;
    let reply = running.client().estimate_release(request).await.unwrap().into_inner();
    assert!(reply.estimate.unwrap().reason.contains("is in EUR"));
    assert!(running.published::<CostEstimated>().await.is_empty());
}

on_both_stores!(
    a_change_is_estimated_and_published_once_however_often_it_comes,
    estimates_are_listed_newest_first_page_by_page,
    an_estimate_by_call_keeps_and_publishes_nothing,
);

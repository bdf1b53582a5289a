//! Pushed changes.

use septet_proto_common::v1::Verdict;
use septet_proto_review::v1::{GetReviewRequest, ListReviewsRequest, Review};

use septet_testkit::{on_both_stores, service::Bed};

use crate::bed::{Running, change, diff, token};

async fn review_of(running: &Running, change_id: &str) -> Review {
    running.idle().await;
    let request = GetReviewRequest { change_id: change_id.to_owned(), ..Default::default() };
    running.client().get_review(request).await.unwrap().into_inner().review.unwrap()
}

async fn a_change_is_reviewed_and_published_once_however_often_it_comes(bed: Bed) {
    let running = Running::on(&bed).await;
    running.push(&change("1", diff("deploy.sh", &["#!/bin/sh", &format!("TOKEN={}", token())])), 3).await;
    running.push(&change("2", diff("README.md", &["# A shop"])), 1).await;

    let failed = review_of(&running, "1").await;
    assert_eq!(failed.verdict(), Verdict::Failed);
    assert_eq!((failed.files_scanned, failed.lines_scanned), (1, 2));
    assert_eq!(review_of(&running, "2").await.verdict(), Verdict::Passed);
    let published = running.published().await;
    assert_eq!(published.len(), 2, "{published:#?}");
    let event = published.iter().find(|event| event.change_id == "1").unwrap();
    assert_eq!(event.review.as_ref(), Some(&failed));
    let [finding] = event.findings.as_slice() else { panic!("{event:#?}") };
    assert_eq!((finding.file.as_str(), finding.line), ("deploy.sh", 2));
    assert_eq!(finding.excerpt, "TOKEN=[redacted]");
    assert!(!format!("{published:?}").contains(&token()));
}

async fn what_nobody_could_scan_fails_the_gate(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut large = change("large", Vec::new());
    let of = large.diff.as_mut().unwrap();
    (of.size, of.complete) = (1 << 40, false);
    running.push(&large, 1).await;
    let cut = diff("a", &["one", "two"]);
    running.push(&change("cut", cut[..cut.len() - 5].to_vec()), 1).await;
    let mut partial = change("partial", diff("a", &["one"]));
    partial.diff.as_mut().unwrap().left_out = 2;
    running.push(&partial, 1).await;

    for (id, why) in [("large", "max_diff_bytes"), ("cut", "cut off"), ("partial", "2 files")] {
        let review = review_of(&running, id).await;
        assert_eq!(review.verdict(), Verdict::Failed, "{review:?}");
        assert!(review.reason.contains("not scanned") && review.reason.contains(why), "{}", review.reason);
    }
    assert_eq!(running.published().await.len(), 3);
}

async fn fingerprints_stay_the_same_over_a_restart(bed: Bed) {
    let mut fingerprints = Vec::new();
    for id in ["before", "after"] {
        let running = Running::on(&bed).await;
        running.push(&change(id, diff("deploy.sh", &["x", &token()])), 1).await;
        let event = running.published().await.into_iter().find(|event| event.change_id == id).unwrap();
        fingerprints.push(event.findings[0].fingerprint.clone());
        running.started.drain().await.unwrap();
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
}

async fn reviews_are_listed_newest_first_with_totals(bed: Bed) {
    let running = Running::on(&bed).await;
    for number in 0..5 {
        let secret = format!("TOKEN={}", token());
        let line = if number % 2 == 0 { secret.as_str() } else { "nothing" };
        running.push(&change(&number.to_string(), diff("a", &[line])), 1).await;
        running.idle().await;
    }
    let mut client = running.client();
    let (mut seen, mut page) =
        (Vec::new(), septet_proto_common::v1::PageRequest { page_size: 2, ..Default::default() });
    loop {
        let request = ListReviewsRequest { page: Some(page.clone()), ..Default::default() };
        let reply = client.list_reviews(request).await.unwrap().into_inner();
        assert_eq!((reply.total, reply.failed, reply.findings), (5, 3, 3));
        seen.extend(reply.reviews.into_iter().map(|review| review.change_id));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let request = ListReviewsRequest { verdict: Verdict::Passed.into(), ..Default::default() };
    assert_eq!(client.list_reviews(request).await.unwrap().into_inner().total, 2);
    let request = ListReviewsRequest { repository_id: "another".to_owned(), ..Default::default() };
    assert_eq!(client.list_reviews(request).await.unwrap().into_inner().total, 0);
}

on_both_stores!(
    a_change_is_reviewed_and_published_once_however_often_it_comes,
    what_nobody_could_scan_fails_the_gate,
    fingerprints_stay_the_same_over_a_restart,
    reviews_are_listed_newest_first_with_totals,
);

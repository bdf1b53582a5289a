//! Diffs that come by a call.

use septet_proto_common::v1::{PageRequest, Severity, Verdict};
use septet_proto_review::v1::{GetReviewRequest, ListFindingsRequest, ReviewDiffRequest};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::bed::{Running, diff, token};

fn request(lines: &[&str]) -> ReviewDiffRequest {
    ReviewDiffRequest {
        request_id: String::new(),
        repository: "shop".to_owned(),
        commit: String::new(),
        diff: diff("a.env", lines).into(),
    }
}

async fn a_call_is_answered_kept_and_published_once_for_one_request_id(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let secret = format!("TOKEN={}", token());
    let once = ReviewDiffRequest { request_id: "once".to_owned(), ..request(&[&secret]) };
    let first = client.review_diff(once.clone()).await.unwrap().into_inner();
    let again = client.review_diff(once.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let review = first.review.unwrap();
    assert_eq!(review.verdict(), Verdict::Failed);
    let by_id = GetReviewRequest { review_id: review.id.clone(), ..Default::default() };
    assert_eq!(client.get_review(by_id).await.unwrap().into_inner().review.as_ref(), Some(&review));
    let published = running.published().await;
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].change_id, review.id, "a review without a change is its own key");

    let other = ReviewDiffRequest { diff: diff("b", &["other"]).into(), ..once };
    let refused = client.review_diff(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("request_id once"), "{refused:?}");
}

async fn a_wrong_request_is_refused_by_field_and_code(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let long = "x".repeat(300);
    for (wrong, words) in [
        (ReviewDiffRequest { repository: String::new(), ..request(&["a"]) }, ["REVIEW-0001", "`repository`"]),
        (ReviewDiffRequest { repository: long.clone(), ..request(&["a"]) }, ["REVIEW-0001", "`repository`"]),
        (ReviewDiffRequest { commit: long.clone(), ..request(&["a"]) }, ["REVIEW-0001", "`commit`"]),
        (ReviewDiffRequest { request_id: long, ..request(&["a"]) }, ["REVIEW-0001", "`request_id`"]),
        (
            ReviewDiffRequest { diff: vec![b'x'; (3 << 20) + 1].into(), ..request(&["a"]) },
            ["REVIEW-0001", "`diff`"],
        ),
        (
            ReviewDiffRequest { diff: "+++ b/a\n@@ -1 +1 @".into(), ..request(&["a"]) },
            ["REVIEW-0002", "line 2"],
        ),
    ] {
        let status = client.review_diff(wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        for word in words {
            assert!(status.message().contains(word), "{word}: {status:?}");
        }
    }
    let nothing = client.get_review(GetReviewRequest::default()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument, "{nothing:?}");
    let unknown = GetReviewRequest { review_id: "none".to_owned(), ..Default::default() };
    let unknown = client.get_review(unknown).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}");
    assert!(unknown.message().contains("REVIEW-0003"), "{unknown:?}");
    assert!(running.published().await.is_empty(), "what is refused leaves nothing");
}

async fn findings_are_listed_worst_first_page_by_page(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let secret = format!("TOKEN={}", token());
    let key = format!("-----BEGIN {} KEY-----\n", "RSA PRIVATE");
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Zx9TqLmVbWcR";
    for _ in 0..3 {
        client.review_diff(request(&[&secret, "plain", key.trim(), body, body, body])).await.unwrap();
    }
    let (mut all, mut page) = (Vec::new(), PageRequest { page_size: 4, ..Default::default() });
    loop {
        let request = ListFindingsRequest { page: Some(page.clone()), ..Default::default() };
        let reply = client.list_findings(request).await.unwrap().into_inner();
        all.extend(reply.findings.into_iter().map(|listed| listed.finding.unwrap()));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(all.len(), 6, "{all:#?}");
    assert!(all.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)), "{all:#?}");
    let worst = ListFindingsRequest { min_severity: Severity::Critical.into(), ..Default::default() };
    let worst = client.list_findings(worst).await.unwrap().into_inner().findings;
    assert_eq!(worst.len(), all.iter().filter(|finding| finding.severity() == Severity::Critical).count());
    let forged = PageRequest { page_token: "x".to_owned(), ..Default::default() };
    let forged = ListFindingsRequest { page: Some(forged), ..Default::default() };
    let refused = client.list_findings(forged).await.unwrap_err();
    assert!(refused.message().contains("page.page_token"), "{refused:?}");
}

on_both_stores!(
    a_call_is_answered_kept_and_published_once_for_one_request_id,
    a_wrong_request_is_refused_by_field_and_code,
    findings_are_listed_worst_first_page_by_page,
);

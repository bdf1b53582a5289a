//! The suite's own events.

use septet_proto_common::v1::{AccessDenied, Severity, Verdict};
use septet_proto_devops::v1::FileStatus;
use septet_proto_review::v1::{Finding, Review, ReviewCompleted, SeverityCount};
use septet_proto_soc::v1::{ChangeAssessed, GetAssessmentRequest, ListAlertsRequest};
use septet_testkit::{
    on_both_stores,
    service::{self, Bed},
};

use crate::bed::{Running, change, file};

fn review(id: &str, severity: Severity, path: &str) -> ReviewCompleted {
    let finding = Finding {
        file: path.to_owned(),
        line: 3,
        rule_id: "key".to_owned(),
        severity: severity.into(),
        excerpt: "KEY=[redacted]".to_owned(),
        ..Finding::default()
    };
    ReviewCompleted {
        change_id: id.to_owned(),
        review: Some(Review {
            id: "review".to_owned(),
            change_id: id.to_owned(),
            repository_id: "repository".to_owned(),
            repository_name: "shop".to_owned(),
            verdict: Verdict::Failed.into(),
            reason: "1 critical".to_owned(),
            counts: vec![SeverityCount { severity: severity.into(), count: 2 }],
            ..Review::default()
        }),
        findings: vec![finding.clone(), finding],
        findings_total: 2,
    }
}

async fn each_change_is_assessed_once_however_often_it_comes(bed: Bed) {
    let running = Running::on(&bed).await;
    running.push(&change("ordinary", vec![file("src/main.rs", FileStatus::Modified)]), 3).await;
    running.push(&change("forbidden", vec![file("forbidden", FileStatus::Added)]), 3).await;
    running.push(&change("pipeline", vec![file(".github/workflows/ci.yml", FileStatus::Modified)]), 1).await;

    let assessed = service::published::<ChangeAssessed>(&running.started).await;
    let mut assessed: Vec<_> = assessed
        .into_iter()
        .map(|(_, event)| {
            let assessment = event.assessment.unwrap();
            (event.change_id, assessment.verdict(), assessment.alerts, assessment.reason)
        })
        .collect();
    assessed.sort();
    let [
        (forbidden, Verdict::Failed, 1, why),
        (ordinary, Verdict::Passed, 0, nothing),
        (_, Verdict::Passed, 1, low),
    ] = assessed.as_slice()
    else {
        panic!("{assessed:#?}")
    };
    assert_eq!((forbidden.as_str(), why.as_str()), ("forbidden", "critical alert: A forbidden file"));
    assert!(ordinary == "ordinary" && nothing.ends_with("rules, nothing found"), "{nothing}");
    assert!(low.contains("1 alert, none critical: Build Or Deployment Pipeline Changed"), "{low}");

    let alerts = running.raised().await;
    assert_eq!(alerts.len(), 2, "{alerts:#?}");
    let alert = alerts.iter().find(|alert| alert.rule_id == "forbidden").unwrap();
    assert_eq!(alert.level(), Severity::Critical);
    assert_eq!(alert.explanation, r#"files is "forbidden" (forbidden)"#);
    assert_eq!((alert.change_id.as_str(), alert.repository_id.as_str()), ("forbidden", "repository"));
    assert_eq!(alert.author, "Ann <ann@shop.dev>");
    let request = GetAssessmentRequest { change_id: "forbidden".to_owned() };
    let kept = running.client().get_assessment(request).await.unwrap().into_inner().assessment.unwrap();
    assert_eq!(kept.verdict(), Verdict::Failed);
    let unknown = GetAssessmentRequest { change_id: "none".to_owned() };
    let unknown = running.client().get_assessment(unknown).await.unwrap_err();
    assert!(unknown.message().contains("SOC-0003"), "{unknown:?}");
}

async fn devops_is_asked_who_made_a_change(bed: Bed) {
    let running = Running::on(&bed).await;
    running.devops.lock().await.changes.push(change("asked", Vec::new()).change.unwrap());
    running.push(&review("asked", Severity::Critical, "src/config.rs"), 2).await;
    running.idle().await;
    let alerts = running.raised().await;
    let mut rules: Vec<_> = alerts.iter().map(|alert| (alert.level(), alert.title.as_str())).collect();
    rules.sort();
    assert_eq!(
        rules,
        [
            (Severity::Medium, "Main Branch Has A Change That Failed Its Review"),
            (Severity::Critical, "Critical Secret On A Branch That Is Released"),
        ]
    );
    assert!(alerts.iter().all(|alert| alert.author == "Ann <ann@shop.dev>"), "{alerts:#?}");
    let critical = alerts.iter().find(|alert| alert.level() == Severity::Critical).unwrap();
    assert!(critical.explanation.ends_with("(and 1 more like it)"), "{}", critical.explanation);
    assert_eq!(critical.source, "/septet/review");

    // A change that soc has seen itself needs no question, and one that devops does not know has no author.
    running.push(&change("seen", Vec::new()), 1).await;
    running.idle().await;
    running.push(&review("seen", Severity::High, "src/config.rs"), 1).await;
    running.push(&review("unknown", Severity::Low, "src/config.rs"), 1).await;
    running.push(&review("sample", Severity::Critical, "tests/config.rs"), 1).await;
    let alerts = running.raised().await;
    assert!(
        alerts
            .iter()
            .any(|alert| alert.title == "Secret Of High Severity In A Change" && alert.change_id == "seen")
    );
    let of_sample = alerts.iter().filter(|alert| alert.change_id == "sample");
    assert_eq!(of_sample.map(|alert| alert.level()).collect::<Vec<_>>(), [Severity::Low]);
    assert!(alerts.iter().all(|alert| alert.change_id != "unknown"), "{alerts:#?}");
    assert_eq!(running.devops.lock().await.asked, 3, "asked, unknown, sample");
}

async fn denied_calls_are_looked_at(bed: Bed) {
    let running = Running::on(&bed).await;
    let denied = AccessDenied {
        service: "suite".to_owned(),
        code: "UNAUTHENTICATED".to_owned(),
        count: 3,
        ..AccessDenied::default()
    };
    running.push(&denied, 1).await;
    running.push(&AccessDenied { count: 300, ..denied }, 1).await;
    let alerts = running.listed(ListAlertsRequest::default()).await;
    let [alert] = alerts.as_slice() else { panic!("{alerts:#?}") };
    assert_eq!(alert.source, "/septet/suite");
    assert!(alert.explanation.contains("count >= 20 (300)"), "{}", alert.explanation);
}

on_both_stores!(
    each_change_is_assessed_once_however_often_it_comes,
    devops_is_asked_who_made_a_change,
    denied_calls_are_looked_at,
);

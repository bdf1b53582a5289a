//! Alerts and rules for callers.

use septet_proto_common::v1::{PageRequest, Severity};
use septet_proto_devops::v1::FileStatus;
use septet_proto_soc::v1::{
    AlertClosed, AlertState, CloseAlertRequest, GetAlertRequest, ListAlertsRequest, ListRulesRequest,
    RuleState, WatchAlertsRequest,
};
use septet_testkit::{
    Deadline, on_both_stores,
    service::{self, Bed},
    within,
};
use serde_json::json;
use tonic::Code;

use crate::bed::{Running, WORD, change, file};

async fn an_alert_is_closed_once_and_stays_closed(bed: Bed) {
    let running = Running::on(&bed).await;
    let forbidden = change("1", vec![file("forbidden", FileStatus::Added)]);
    running.push(&forbidden, 1).await;
    running.idle().await;
    let mut client = running.client();
    let request = WatchAlertsRequest { include_existing: true, ..Default::default() };
    let mut watched = client.watch_alerts(request).await.unwrap().into_inner();
    let mut next = async || {
        let next = within(Deadline::SHORT, "the next alert", watched.message()).await.unwrap();
        next.unwrap().alert.unwrap()
    };
    let open = next().await;
    assert_eq!(open.state(), AlertState::Open);

    let close = CloseAlertRequest {
        request_id: "once".to_owned(),
        alert_id: open.id.clone(),
        reason: "removed".to_owned(),
    };
    let closed = client.close_alert(close.clone()).await.unwrap().into_inner().alert.unwrap();
    assert_eq!((closed.state(), closed.close_reason.as_str()), (AlertState::Closed, "removed"));
    assert!(!closed.closed_by.is_empty() && closed.closed_time.is_some());
    assert_eq!(client.close_alert(close.clone()).await.unwrap().into_inner().alert.unwrap(), closed);
    let again = CloseAlertRequest { request_id: String::new(), reason: "other".to_owned(), ..close };
    assert_eq!(client.close_alert(again).await.unwrap().into_inner().alert.unwrap(), closed);
    assert_eq!(next().await, closed, "watchers see it closed");
    assert_eq!(service::published::<AlertClosed>(&running.started).await.len(), 1);
    let got = client.get_alert(GetAlertRequest { alert_id: open.id }).await.unwrap().into_inner().alert;
    assert_eq!(got, Some(closed));
    let open = ListAlertsRequest { state: AlertState::Open.into(), ..Default::default() };
    assert!(running.listed(open).await.is_empty());

    // A second stream of only new ones begins with what comes next.
    let request = WatchAlertsRequest { min_level: Severity::High.into(), ..Default::default() };
    let mut new = client.watch_alerts(request).await.unwrap().into_inner();
    running.push(&change("2", vec![file(".gitmodules", FileStatus::Added)]), 1).await;
    running.idle().await;
    running.push(&change("3", vec![file("forbidden", FileStatus::Added)]), 1).await;
    let seen = within(Deadline::SHORT, "the new alert", new.message()).await.unwrap().unwrap();
    assert_eq!(seen.alert.unwrap().change_id, "3");
}

async fn alerts_are_listed_newest_first_page_by_page(bed: Bed) {
    let running = Running::on(&bed).await;
    for number in 0..5 {
        let path = if number % 2 == 0 { "forbidden" } else { ".gitmodules" };
        running.push(&change(&number.to_string(), vec![file(path, FileStatus::Modified)]), 1).await;
        running.idle().await;
    }
    let (mut seen, mut page) = (Vec::new(), PageRequest { page_size: 2, ..Default::default() });
    loop {
        let request = ListAlertsRequest { page: Some(page.clone()), ..Default::default() };
        let reply = running.client().list_alerts(request).await.unwrap().into_inner();
        seen.extend(reply.alerts.into_iter().map(|alert| alert.change_id));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let ids = async |request| -> Vec<String> {
        running.listed(request).await.into_iter().map(|alert| alert.change_id).collect()
    };
    let worst = ListAlertsRequest { min_level: Severity::Critical.into(), ..Default::default() };
    assert_eq!(ids(worst).await, ["4", "2", "0"]);
    assert_eq!(ids(ListAlertsRequest { change_id: "3".to_owned(), ..Default::default() }).await, ["3"]);
    assert_eq!(
        ids(ListAlertsRequest { rule_id: "forbidden".to_owned(), ..Default::default() }).await.len(),
        3
    );
    assert!(
        ids(ListAlertsRequest { repository_id: "other".to_owned(), ..Default::default() }).await.is_empty()
    );
}

async fn rules_are_listed_with_why_they_were_rejected(bed: Bed) {
    let bad = WORD.replace("contains", "resembles").replace("id: word", "id: bad");
    let rules = [("b.yml", bad.as_str()), ("a.yml", WORD)];
    let running = Running::with(&bed, &rules, &[("soc.builtin_rules", json!(false))]).await;
    let reply = running.client().list_rules(ListRulesRequest::default()).await.unwrap().into_inner();
    assert_eq!((reply.live, reply.rejected), (1, 1));
    let [live, rejected] = reply.rules.as_slice() else { panic!("{reply:#?}") };
    assert_eq!(
        (live.file.as_str(), live.state(), live.level()),
        ("a.yml", RuleState::Live, Severity::Medium)
    );
    assert_eq!((rejected.file.as_str(), rejected.line, rejected.id.as_str()), ("b.yml", 8, "bad"));
    assert!(rejected.reason.contains("`resembles`"), "{}", rejected.reason);
    let only = ListRulesRequest { state: RuleState::Rejected.into(), ..Default::default() };
    assert_eq!(running.client().list_rules(only).await.unwrap().into_inner().rules.len(), 1);
}

async fn wrong_requests_are_refused_by_code(bed: Bed) {
    let running = Running::with(&bed, &[], &[("soc.watch_streams", json!(1))]).await;
    let mut client = running.client();
    let unknown = client.get_alert(GetAlertRequest { alert_id: "none".to_owned() }).await.unwrap_err();
    assert!(unknown.code() == Code::NotFound && unknown.message().contains("SOC-0002"), "{unknown:?}");
    let nothing = client.close_alert(CloseAlertRequest::default()).await.unwrap_err();
    assert!(
        nothing.message().contains("SOC-0001") && nothing.message().contains("`alert_id`"),
        "{nothing:?}"
    );
    let page = PageRequest { page_token: "x".to_owned(), ..Default::default() };
    let forged = ListAlertsRequest { page: Some(page), ..Default::default() };
    let forged = client.list_alerts(forged).await.unwrap_err();
    assert!(forged.message().contains("page.page_token"), "{forged:?}");
    let _open = client.watch_alerts(WatchAlertsRequest::default()).await.unwrap();
    let many = client.watch_alerts(WatchAlertsRequest::default()).await.unwrap_err();
    assert!(many.code() == Code::ResourceExhausted && many.message().contains("SOC-0004"), "{many:?}");
}

async fn alerts_stay_over_a_restart_and_are_not_raised_again(bed: Bed) {
    let event = change("1", vec![file("forbidden", FileStatus::Added)]);
    let running = Running::on(&bed).await;
    running.push(&event, 1).await;
    let before = running.listed(ListAlertsRequest::default()).await;
    running.drain().await;
    let running = Running::on(&bed).await;
    assert_eq!(running.listed(ListAlertsRequest::default()).await, before);
    assert_eq!(running.raised().await.len(), 1);
    running.drain().await;
}

on_both_stores!(
    an_alert_is_closed_once_and_stays_closed,
    alerts_are_listed_newest_first_page_by_page,
    rules_are_listed_with_why_they_were_rejected,
    wrong_requests_are_refused_by_code,
    alerts_stay_over_a_restart_and_are_not_raised_again,
);

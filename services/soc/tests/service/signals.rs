//! Signals of outside producers, by topic and by call.

use septet_chassis::contract::{Record, json};
use septet_proto_soc::v1::{IngestRequest, ListAlertsRequest, SignalSubmitted};
use septet_testkit::{on_both_stores, service::Bed};
use serde_json::{Value, json};

use crate::bed::Running;

fn signal(value: &Value) -> SignalSubmitted {
    json::message_from_json(value.to_string().as_bytes(), &Default::default()).unwrap()
}

fn word(id: &str) -> Value {
    json!({"source": "edr", "id": id, "host": "host-1", "logsource": {"product": "test"},
           "payload": {"message": "a word", "token": "x", "number": 5}})
}

async fn a_signal_raises_one_alert_by_whatever_way_it_comes(bed: Bed) {
    let running = Running::on(&bed).await;
    let bare = Record { value: Some(word("one").to_string().into()), ..Record::default() };
    running.append("soc.signal.ingest.v1", bare, 2).await;
    running.push(&signal(&word("one")), 1).await;
    running.idle().await;
    let again = [
        word("one"),
        word("two"),
        json!({"source": "edr", "payload": {"message": "nothing"}}),
        json!({"source": ""}),
    ];
    let requests: Vec<IngestRequest> =
        again.iter().map(|value| IngestRequest { signal: Some(signal(value)) }).collect();
    let reply = running.client().ingest(tokio_stream::iter(requests)).await.unwrap().into_inner();
    assert_eq!((reply.accepted, reply.alerts, reply.rejected), (3, 1, 1), "{reply:?}");
    assert_eq!(reply.first_rejected[0].index, 3);
    assert!(reply.first_rejected[0].reason.contains("`source`"), "{reply:?}");

    let alerts = running.listed(ListAlertsRequest::default()).await;
    let ids: Vec<_> = alerts.iter().map(|alert| alert.event_id.as_str()).collect();
    assert_eq!(ids, ["two", "one"]);
    assert_eq!((alerts[0].host.as_str(), alerts[0].source.as_str()), ("host-1", "edr"));
    assert_eq!(alerts[0].explanation, r#"message contains "word" (a word)"#);
    assert_eq!(running.raised().await.len(), 2, "each is published once");
}

async fn a_windows_event_is_held_against_the_rules_of_its_log(bed: Bed) {
    let rule = "title: Whoami\nlevel: high\nlogsource:\n    category: process_creation\n    product: windows\ndetection:\n    s:\n        \
                Image|endswith: '\\whoami.exe'\n    condition: s\n";
    let running = Running::with(&bed, &[("whoami.yml", rule)], &[]).await;
    let event = json!({"Event": {
        "System": {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational"},
        "EventData": {"Image": "C:\\Windows\\System32\\whoami.exe"}
    }});
    running.push(&signal(&json!({"source": "host-7", "payload": event})), 1).await;
    let alerts = running.listed(ListAlertsRequest::default()).await;
    assert_eq!(alerts.iter().map(|alert| alert.title.as_str()).collect::<Vec<_>>(), ["Whoami"]);
    assert!(!alerts[0].event_id.is_empty(), "the record's id where the signal has none");
}

async fn what_is_no_signal_is_rejected_and_the_rest_goes_on(bed: Bed) {
    let running = Running::on(&bed).await;
    let long = "x".repeat(300);
    for wrong in
        [json!({"source": "", "payload": {}}), json!({"source": "a"}), json!({"source": long, "payload": {}})]
    {
        running.push(&signal(&wrong), 1).await;
    }
    running.push(&signal(&word("good")), 1).await;
    assert_eq!(running.listed(ListAlertsRequest::default()).await.len(), 1);
}

on_both_stores!(
    a_signal_raises_one_alert_by_whatever_way_it_comes,
    a_windows_event_is_held_against_the_rules_of_its_log,
    what_is_no_signal_is_rejected_and_the_rest_goes_on,
);

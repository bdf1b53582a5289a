//! Who tries what and may not is told as an event.

use septet_chassis::contract::Event;
use septet_proto_common::v1::{
    AccessDenied, DescribeRequest, TailEventsRequest, admin_service_client::AdminServiceClient,
};
use septet_testkit::{eventually, evidence::Workspace};
use serde_json::Value;
use tonic::Code;

use crate::fixture::{KEY, Server, api_keys, review};

async fn told(server: &Server) -> Vec<Value> {
    let topics = vec![AccessDenied::TOPIC.to_owned()];
    let request = TailEventsRequest { topics, from_start: true, until_end: true };
    let mut stream = server.operator().tail_events(request).await.expect("followed").into_inner();
    let mut events = Vec::new();
    while let Some(record) = stream.message().await.expect("a record") {
        let event: Value = serde_json::from_str(&record.cloud_event_json).expect("JSON");
        events.push(event["data"].clone());
    }
    events
}

#[tokio::test]
async fn denied_calls_are_told_by_kind_with_their_number_and_no_secret() {
    let workspace = Workspace::new("chassis::denials::kinds");
    let more = api_keys(workspace.path());
    let mut server = Server::again(workspace, &more).await;
    for _ in 0..3 {
        let status = review(server.as_caller("local_wrong"), "any").await.expect_err("a wrong token");
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    let viewer = format!("{KEY}-viewer");
    let mut describe = AdminServiceClient::new(server.as_caller(&viewer));
    describe.describe(DescribeRequest {}).await.expect("may look");
    let status = review(server.as_caller(&viewer), "any").await.expect_err("may not change anything");
    assert_eq!(status.code(), Code::PermissionDenied);

    let events = eventually("all four are told", async || {
        let events = told(&server).await;
        let count =
            |event: &Value| event["count"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        (events.iter().map(count).sum::<u64>() == 4).then_some(events)
    })
    .await;
    let of = |code: &str| events.iter().filter(|event| event["code"] == code).cloned().collect::<Vec<_>>();
    for event in of("UNAUTHENTICATED") {
        assert_eq!(event["method"], "/septet.review.v1.ReviewService/ReviewDiff");
        assert_eq!(event.get("subject"), None);
    }
    let [denied] = of("PERMISSION_DENIED").try_into().expect("one call, one event");
    assert_eq!(denied["method"], "/septet.review.v1.ReviewService/ReviewDiff");
    assert_eq!(denied["subject"], "vic");
    let all = serde_json::to_string(&events).expect("JSON");
    assert!(!all.contains("local_wrong") && !all.contains(KEY), "{all}");
    server.drain().await.expect("drained");
}

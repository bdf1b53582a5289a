//! The operator's view.

use prost::Message;
use septet_contract::Event;
use septet_proto_common::v1::{
    DeadLetterState, DescribeRequest, DiscardDeadLetterRequest, GetDeadLetterRequest, ListDeadLettersRequest,
    ListTopicsRequest, PageRequest, PublishRecordRequest, RecordHeader, RedriveDeadLetterRequest,
    TailEventsRequest, TailEventsResponse,
};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::ReviewCompleted;
use septet_testkit::eventually;
use tonic::Code;

use crate::fixture::{Server, detail};

fn change(id: &str) -> PublishRecordRequest {
    let event = ChangePushed { change_id: id.to_owned(), ..ChangePushed::default() };
    let header = |key: &str, value: &str| RecordHeader {
        key: key.to_owned().into(),
        value: Some(value.to_owned().into()),
    };
    PublishRecordRequest {
        topic: ChangePushed::TOPIC.to_owned(),
        key: Some(id.to_owned().into()),
        headers: vec![
            header("ce_specversion", "1.0"),
            header("ce_id", &format!("id-{id}")),
            header("ce_source", "/test"),
            header("ce_type", "septet.devops.v1.ChangePushed"),
            header("content-type", "application/protobuf"),
        ],
        value: Some(event.encode_to_vec().into()),
    }
}

/// All records of some topics.
async fn all(server: &Server, topics: &[&str]) -> Vec<TailEventsResponse> {
    let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
    let request = TailEventsRequest { topics, from_start: true, until_end: true };
    let mut stream = server.operator().tail_events(request).await.expect("followed").into_inner();
    let mut records = Vec::new();
    while let Some(record) = stream.message().await.expect("a record") {
        records.push(record);
    }
    records
}

async fn handled(server: &Server, records: usize) {
    eventually("all is handled", async || {
        (all(server, &[ReviewCompleted::TOPIC]).await.len() >= records).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_published_record_is_handled_and_followed() {
    let mut server = Server::start("admin::publish", "").await;
    let request = TailEventsRequest { topics: vec![ReviewCompleted::TOPIC.to_owned()], ..Default::default() };
    let mut follow = server.operator().tail_events(request).await.expect("followed").into_inner();
    let position = server.operator().publish_record(change("a")).await.expect("published").into_inner();
    assert_eq!(position.offset, 0);
    let published = follow.message().await.expect("followed").expect("a record");
    let json: serde_json::Value = serde_json::from_str(&published.cloud_event_json).expect("JSON");
    assert_eq!(json["type"], "septet.review.v1.ReviewCompleted");
    assert_eq!(json["data"]["changeId"], "a");
    assert_eq!(json["causationid"], "id-a");
    let tailed = all(&server, &[ChangePushed::TOPIC]).await;
    assert_eq!((tailed.len(), tailed[0].partition, tailed[0].offset), (1, position.partition, 0));

    let unknown = PublishRecordRequest { topic: "nobody.nothing.v1".to_owned(), ..change("a") };
    let status = server.operator().publish_record(unknown).await.expect_err("no such topic");
    assert_eq!((status.code(), detail(&status).code.as_str()), (Code::NotFound, "SEPTET-0032"));
    let unknown = TailEventsRequest { topics: vec!["nobody.nothing.v1".to_owned()], ..Default::default() };
    let status = server.operator().tail_events(unknown).await.expect_err("no such topic");
    assert_eq!(status.code(), Code::NotFound);
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn topics_are_listed_with_who_is_behind() {
    let mut server = Server::start("admin::topics", "").await;
    // The first one is held in the handler, so that the position stays.
    server.operator().publish_record(change("wait")).await.expect("published");
    server.waiting().await;
    for _ in 0..3 {
        server.operator().publish_record(change("wait")).await.expect("published");
    }
    let lag = async |server: &Server| {
        let topics =
            server.operator().list_topics(ListTopicsRequest {}).await.expect("listed").into_inner().topics;
        let topic = topics.into_iter().find(|topic| topic.name == ChangePushed::TOPIC).expect("listed");
        assert_eq!(topic.partitions.len(), 12);
        assert_eq!(topic.partitions.iter().map(|partition| partition.end).sum::<i64>(), 4);
        let group = topic.groups.into_iter().find(|group| group.group == "review").expect("it reads");
        group.records
    };
    assert_eq!(lag(&server).await, 4);
    server.script.gate.add_permits(10);
    eventually("nobody is behind", async || (lag(&server).await == 0).then_some(())).await;
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn dead_letters_are_listed_shown_redriven_and_discarded() {
    let mut server = Server::start("admin::letters", "").await;
    server.operator().publish_record(change("reject")).await.expect("published");
    let broken = PublishRecordRequest { value: Some(b"\xff".to_vec().into()), ..change("broken") };
    server.operator().publish_record(broken).await.expect("published");
    let list = async |state: DeadLetterState, size: u32, token: String| {
        let request = ListDeadLettersRequest {
            service: "review".to_owned(),
            state: state.into(),
            page: Some(PageRequest { page_size: size, page_token: token }),
        };
        server.operator().list_dead_letters(request).await.map(tonic::Response::into_inner)
    };
    let letters = eventually("two dead letters", async || {
        let reply = list(DeadLetterState::Unspecified, 0, String::new()).await.expect("listed");
        (reply.dead_letters.len() == 2).then_some(reply.dead_letters)
    })
    .await;
    let of = |reason: &str| letters.iter().find(|letter| letter.reason == reason).expect("listed").id.clone();
    let (rejected, broken) = (of("rejected"), of("invalid_payload"));

    let page = list(DeadLetterState::Open, 1, String::new()).await.expect("listed");
    let next = page.page.expect("a page").next_page_token;
    let second = list(DeadLetterState::Open, 1, next).await.expect("listed");
    assert_eq!(page.dead_letters.len() + second.dead_letters.len(), 2);
    assert_ne!(page.dead_letters[0].id, second.dead_letters[0].id);
    assert!(second.page.expect("a page").next_page_token.is_empty());
    let status = list(DeadLetterState::Open, 1_001, String::new()).await.expect_err("too many");
    assert_eq!(status.code(), Code::InvalidArgument);

    let shown = server.operator().get_dead_letter(GetDeadLetterRequest { id: broken.clone() }).await;
    let shown = shown.expect("shown").into_inner();
    assert_eq!(shown.value.as_deref(), Some(&b"\xff"[..]));
    assert_eq!(shown.key.as_deref(), Some(&b"broken"[..]));
    assert!(shown.headers.iter().any(|header| header.key == "ce_id"));

    let mended = ChangePushed { change_id: "mended".to_owned(), ..ChangePushed::default() };
    let redrive = RedriveDeadLetterRequest {
        id: broken.clone(),
        value: Some(mended.encode_to_vec().into()),
        again: false,
    };
    let reply = server.operator().redrive_dead_letter(redrive.clone()).await.expect("redriven").into_inner();
    let letter = reply.dead_letter.expect("the letter");
    assert_eq!((letter.state(), letter.decided_by.as_str()), (DeadLetterState::Redriven, "local"));
    assert!(letter.decided_time.is_some());
    handled(&server, 1).await;
    let status = server.operator().redrive_dead_letter(redrive).await.expect_err("decided");
    assert_eq!((status.code(), detail(&status).code.as_str()), (Code::FailedPrecondition, "SEPTET-0036"));

    let discard = DiscardDeadLetterRequest { id: rejected };
    let reply = server.operator().discard_dead_letter(discard.clone()).await.expect("discarded").into_inner();
    assert_eq!(reply.dead_letter.expect("the letter").state(), DeadLetterState::Discarded);
    let status = server.operator().discard_dead_letter(discard).await.expect_err("decided");
    assert_eq!(status.code(), Code::FailedPrecondition);
    let status = server
        .operator()
        .get_dead_letter(GetDeadLetterRequest { id: "no-such".to_owned() })
        .await
        .expect_err("none");
    assert_eq!((status.code(), detail(&status).code.as_str()), (Code::NotFound, "SEPTET-0035"));
    let open = list(DeadLetterState::Open, 0, String::new()).await.expect("listed");
    assert!(open.dead_letters.is_empty());
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_service_is_described_without_its_secrets() {
    let mut server = Server::start("admin::describe", "").await;
    let reply = server.operator().describe(DescribeRequest {}).await.expect("described").into_inner();
    let [service] = &reply.services[..] else { panic!("one service, not {}", reply.services.len()) };
    assert_eq!(service.name, "review");
    assert_eq!(service.consumes[0].r#type, "septet.devops.v1.ChangePushed");
    assert!(service.publishes.iter().any(|event| event.topic == ReviewCompleted::TOPIC));
    let diff = service.serves.iter().find(|rpc| rpc.method.ends_with("/ReviewDiff")).expect("served");
    assert_eq!(diff.roles, ["developer", "operator", "service"]);
    server.drain().await.expect("drained");
}

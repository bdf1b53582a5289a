//! A drain finishes what is in flight, ends what never would, and is over in time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use septet_contract::{Cause, Envelope, Event, Timestamp, cloudevents};
use septet_messaging::log::Append;
use septet_proto_common::v1::TailEventsRequest;
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::ReviewCompleted;
use septet_testkit::eventually;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::fixture::{Server, detail, get, review};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_flight_is_finished_and_new_ones_are_not_taken() {
    let mut server = Server::start("drain::call", "").await;
    let call = tokio::spawn({
        let channel = server.channel();
        async move { review(channel, "wait").await }
    });
    server.waiting().await;
    let mut health = HealthClient::new(server.channel()).watch(HealthCheckRequest::default()).await;
    let health = health.as_mut().expect("open").get_mut();
    assert_eq!(health.message().await.expect("told").map(|told| told.status()), Some(ServingStatus::Serving));
    let (grpc, admin, script) = (server.grpc, server.admin, server.script.clone());
    let drained = tokio::spawn(async move { (server.drain().await, server) });
    assert_eq!(
        health.message().await.expect("told").map(|told| told.status()),
        Some(ServingStatus::NotServing),
        "probes are told first"
    );
    eventually("nobody listens", async || tokio::net::TcpStream::connect(grpc).await.err().map(drop)).await;
    eventually("nor is it ready", async || {
        get(admin, "/readyz").await.map_or(Some(()), |(status, _)| (!status.contains("200")).then_some(()))
    })
    .await;
    assert!(!drained.is_finished());
    script.gate.add_permits(1);
    call.await.expect("no panic").expect("the call has its answer");
    let (outcome, _server) = drained.await.expect("no panic");
    outcome.expect("drained");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_end_at_once_and_say_why() {
    let mut server = Server::start("drain::streams", "").await;
    let mut tail =
        server.operator().tail_events(TailEventsRequest::default()).await.expect("followed").into_inner();
    let mut watch = HealthClient::new(server.channel())
        .watch(HealthCheckRequest::default())
        .await
        .expect("watched")
        .into_inner();
    watch.message().await.expect("told").expect("a status");
    // One that nobody reads.
    let _unread = server.operator().tail_events(TailEventsRequest::default()).await.expect("followed");
    let began = Instant::now();
    server.drain().await.expect("drained");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let status = tail.message().await.expect_err("it has ended");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(detail(&status).code, "SEPTET-0015");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_does_not_hold_it_up_nor_keep_the_outbox() {
    let mut server = Server::start("drain::hangs", "drain_secs = 4").await;
    let _hanging = tokio::spawn({
        let channel = server.channel();
        async move { review(channel, "wait").await }
    });
    server.waiting().await;
    let event = |id: &str| {
        let event = ChangePushed { change_id: id.to_owned(), ..ChangePushed::default() };
        let envelope = Envelope::of_event(&event, "/test", Timestamp::now(), &Cause::default());
        Append { topic: ChangePushed::TOPIC.to_owned(), record: cloudevents::to_record(&envelope) }
    };
    let log = server.started.as_ref().expect("it runs").log();
    for appended in log.append(vec![event("wait"), event("done")]).await {
        appended.expect("appended");
    }
    server.waiting().await;
    let began = Instant::now();
    let error = server.drain().await.expect_err("not everything was finished");
    assert!(format!("{error:#}").contains("comes again at the next start"), "{error:#}");
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1) && took <= Duration::from_millis(5_500), "{took:?}");
    // It does come again.
    let mut server = Server::again(server.workspace, "").await;
    server.waiting().await;
    server.script.gate.add_permits(1);
    let started = server.started.as_ref().expect("it runs");
    let observer = started.observer();
    eventually("all is done", async || {
        let backlog = observer.backlog().await.expect("counted")?;
        backlog.is_empty().then_some(())
    })
    .await;
    // What was being sent when the drain was over may have been sent again, under the same id.
    let records = septet_testkit::service::records(started, ReviewCompleted::TOPIC).await;
    let ids: BTreeSet<_> = records.iter().filter_map(|record| record.header("ce_id")).collect();
    assert_eq!(ids.len(), 2, "each once: {records:?}");
    server.drain().await.expect("drained");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_do_not_hold_it_up() {
    let mut server = Server::start("drain::silent", "").await;
    let mut silent = Vec::new();
    for address in [server.grpc, server.grpc, server.admin] {
        silent.push(tokio::net::TcpStream::connect(address).await.expect("connected"));
    }
    let _idle = review(server.channel(), "any").await.expect("answered");
    let began = Instant::now();
    server.drain().await.expect("drained");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

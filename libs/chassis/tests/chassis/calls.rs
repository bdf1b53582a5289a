//! What bounds a call, and what becomes of one that fails.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use septet_proto_review::v1::{ReviewDiffRequest, review_service_client::ReviewServiceClient};
use septet_testkit::eventually;
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::fixture::{Server, detail, review};

fn slow() -> Request<ReviewDiffRequest> {
    Request::new(ReviewDiffRequest { repository: "slow".to_owned(), ..ReviewDiffRequest::default() })
}

/// Past tonic's transport, which knows the header too and answers in its own way.
fn inside(server: &Server) -> ReviewServiceClient<septet_chassis::Channel> {
    ReviewServiceClient::new(server.started.as_ref().expect("it runs").channel())
}

#[tokio::test]
async fn the_callers_deadline_ends_the_call() {
    let mut server = Server::start("calls::deadline", "").await;
    let began = Instant::now();
    for (number, mut client) in [inside(&server), server.reviews()].into_iter().enumerate() {
        let mut request = slow();
        request.metadata_mut().insert("grpc-timeout", "300m".parse().expect("a value"));
        let status = client.review_diff(request).await.expect_err("too slow");
        if number == 0 {
            assert_eq!(status.code(), Code::DeadlineExceeded);
            assert_eq!(detail(&status).code, "SEPTET-0016");
        }
        eventually("the work itself has ended", async || {
            (server.script.dropped.load(Ordering::SeqCst) > number).then_some(())
        })
        .await;
    }
    assert!(began.elapsed() >= Duration::from_millis(600) && began.elapsed() < Duration::from_secs(10));
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_call_without_a_deadline_has_the_servers() {
    let mut server = Server::start("calls::default_deadline", "[grpc]\ncall_timeout_secs = 1").await;
    let status = server.reviews().review_diff(slow()).await.expect_err("too slow");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    // A caller may want to wait longer, and says so.
    let mut longer = slow();
    longer.metadata_mut().insert("grpc-timeout", "2S".parse().expect("a value"));
    let began = Instant::now();
    let status = inside(&server).review_diff(longer).await.expect_err("too slow");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    // One that makes no sense is as good as none.
    for odd in ["soon", "5", "S", "1x", "999999999S", "-1S"] {
        let mut request = slow();
        request.metadata_mut().insert("grpc-timeout", odd.parse().expect("a value"));
        let status = inside(&server).review_diff(request).await.expect_err("too slow");
        assert_eq!(status.code(), Code::DeadlineExceeded, "{odd}");
    }
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn more_calls_than_allowed_are_refused_and_health_is_not() {
    let mut server = Server::start("calls::bound", "[grpc]\nmax_concurrent_calls = 2").await;
    let busy = [server.channel(), server.channel()]
        .map(|channel| tokio::spawn(async move { review(channel, "wait").await }));
    server.waiting().await;
    server.waiting().await;
    let status = review(server.channel(), "any").await.expect_err("too many");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(detail(&status).code, "SEPTET-0013");
    let mut health = HealthClient::new(server.channel());
    health.check(HealthCheckRequest::default()).await.expect("a busy process is a healthy one");
    server.script.gate.add_permits(2);
    for call in busy {
        call.await.expect("no panic").expect("answered");
    }
    review(server.channel(), "any").await.expect("there is room again");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_panic_is_one_calls_failure() {
    let mut server = Server::start("calls::panic", "").await;
    let channel = server.channel();
    let status = review(channel.clone(), "panic").await.expect_err("a bug");
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(detail(&status).code, "SEPTET-0025");
    assert!(!status.message().contains("hunter2"), "what the panic says may be data: {}", status.message());
    review(channel, "any").await.expect("the same connection goes on");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_failure_carries_its_code_subject_and_hint() {
    let mut server = Server::start("calls::detail", "").await;
    let status = review(server.channel(), "fault").await.expect_err("on purpose");
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), "REVIEW-0099: not there; look elsewhere");
    let detail = detail(&status);
    assert_eq!((detail.code.as_str(), detail.subject.as_str()), ("REVIEW-0099", "review"));
    assert_eq!(detail.hint, "look elsewhere");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_its_call() {
    let mut server = Server::start("calls::gone", "").await;
    let call = tokio::spawn({
        let channel = server.channel();
        async move { ReviewServiceClient::new(channel).review_diff(slow()).await }
    });
    let waiting = tokio::spawn({
        let channel = server.channel();
        async move { review(channel, "wait").await }
    });
    server.waiting().await;
    call.abort();
    waiting.abort();
    eventually("the work has ended", async || {
        (server.script.dropped.load(Ordering::SeqCst) >= 1).then_some(())
    })
    .await;
    server.drain().await.expect("drained");
}

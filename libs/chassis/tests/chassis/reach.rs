//! Calls to services elsewhere: over all replicas, until their deadline, and again where that is safe.

use std::{
    net::SocketAddr,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use septet_chassis::{Channel, ChannelBuilder, remote};
use septet_contract::Catalog;
use septet_proto_review::v1::{
    GetReviewRequest, GetReviewResponse, ReviewDiffRequest, review_service_client::ReviewServiceClient,
};
use septet_testkit::{
    eventually,
    evidence::Workspace,
    proxy::{Fault, FaultProxy},
    within,
};
use tonic::{Code, Request, Status};

use crate::fixture::{KEY, Server, api_keys, detail, review};

async fn replica(test: &str, number: usize) -> Server {
    let workspace = Workspace::new(&format!("chassis::reach::{test}::{number}"));
    let config = api_keys(workspace.path());
    Server::again(workspace, &config).await
}

/// To these addresses, by the contract, with a short patience.
fn channel(addresses: &[SocketAddr], timeout: Duration) -> Channel {
    let urls: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
    let builder = ChannelBuilder::new(&urls.join(",")).token(KEY).expect("a token").timeout(timeout);
    builder.contracts(&Catalog::new([&septet_proto_review::CONTRACT])).build().expect("a channel")
}

async fn get_review(channel: &Channel) -> Result<GetReviewResponse, Status> {
    let call =
        async { ReviewServiceClient::new(channel.clone()).get_review(GetReviewRequest::default()).await };
    within(Duration::from_secs(30), "an answer", call).await.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_spread_over_all_replicas_and_a_dead_one_is_left_at_once() {
    let mut servers = [replica("spread", 0).await, replica("spread", 1).await, replica("spread", 2).await];
    let proxy = FaultProxy::start(servers[0].grpc).await.expect("a proxy");
    let channel = channel(&[proxy.address(), servers[1].grpc, servers[2].grpc], Duration::from_secs(5));
    eventually("all are connected", async || {
        get_review(&channel).await.expect("answered");
        servers.iter().all(|server| server.script.calls() > 0).then_some(())
    })
    .await;
    let calls = || servers.iter().map(|server| server.script.calls()).collect::<Vec<_>>();
    let before = calls();
    for _ in 0..300 {
        get_review(&channel).await.expect("answered");
    }
    let made: Vec<usize> = calls().iter().zip(&before).map(|(after, before)| after - before).collect();
    assert!(made.iter().all(|made| (90..=110).contains(made)), "one after the other: {made:?}");

    proxy.set(Fault::Reset);
    let before = servers[0].script.calls();
    for _ in 0..100 {
        get_review(&channel).await.expect("the others answer");
    }
    assert!(servers[0].script.calls() - before <= 1, "nothing is sent to the dead one");
    proxy.set(Fault::None);
    eventually("it is used again", async || {
        get_review(&channel).await.expect("answered");
        (servers[0].script.calls() > before + 1).then_some(())
    })
    .await;
    for server in &mut servers {
        server.drain().await.expect("drained");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_hangs_beyond_its_deadline_over_a_link_that_says_nothing() {
    let mut server = replica("blackhole", 0).await;
    let proxy = FaultProxy::start(server.grpc).await.expect("a proxy");
    let channel = channel(&[proxy.address()], Duration::from_secs(1));
    get_review(&channel).await.expect("answered");
    for fault in [Fault::Blackhole, Fault::HalfOpen] {
        proxy.set(fault);
        let began = Instant::now();
        let status = get_review(&channel).await.expect_err("nothing arrives");
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Unavailable), "{status:?}");
        assert!(began.elapsed() < Duration::from_millis(1_500), "{fault:?}: {:?}", began.elapsed());
        let mut asked = Request::new(GetReviewRequest::default());
        asked.set_timeout(Duration::from_millis(200));
        let began = Instant::now();
        let mut client = ReviewServiceClient::new(channel.clone());
        client.get_review(asked).await.expect_err("nothing arrives");
        assert!(began.elapsed() < Duration::from_millis(700), "{fault:?}: {:?}", began.elapsed());
    }
    // The dead connection is found out and replaced.
    proxy.set(Fault::None);
    let began = Instant::now();
    eventually("it is reached again", async || get_review(&channel).await.ok()).await;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn what_is_left_of_a_deadline_goes_along_with_the_call() {
    let (mut first, mut second) = (replica("deadline", 0).await, replica("deadline", 1).await);
    let left = |reply: Result<septet_proto_review::v1::ReviewDiffResponse, Status>| {
        let told = reply.expect("answered").review.expect("a review").id;
        told.trim_end_matches('m').parse::<u64>().expect("milliseconds")
    };
    let patient = channel(&[second.grpc], Duration::from_secs(3));
    let told = left(review(patient.clone(), "deadline").await);
    assert!((2_000..=3_000).contains(&told), "its own: {told} ms");

    assert!(first.script.next.set(patient).is_ok(), "set once");
    let mut call = Request::new(ReviewDiffRequest { repository: "pass on".to_owned(), ..Default::default() });
    call.set_timeout(Duration::from_millis(1_500));
    let mut client = ReviewServiceClient::new(channel(&[first.grpc], Duration::from_secs(10)));
    let told = left(client.review_diff(call).await.map(tonic::Response::into_inner));
    assert!((500..=1_500).contains(&told), "what its caller has left: {told} ms");
    for server in [&mut first, &mut second] {
        server.drain().await.expect("drained");
    }
}

#[tokio::test]
async fn a_call_that_is_safe_to_repeat_is_repeated_and_no_other() {
    let mut server = replica("repeat", 0).await;
    let channel = channel(&[server.grpc], Duration::from_secs(5));
    let failing = |calls| server.script.failing.store(calls, Ordering::SeqCst);
    failing(2);
    get_review(&channel).await.expect("the third attempt");
    assert_eq!(server.script.calls(), 3);

    failing(1);
    let status = review(channel.clone(), "any").await.expect_err("it might be done twice");
    assert_eq!((status.code(), server.script.calls()), (Code::Unavailable, 4));
    failing(1);
    let keyed = ReviewDiffRequest {
        request_id: "r-1".to_owned(),
        repository: "any".to_owned(),
        ..ReviewDiffRequest::default()
    };
    ReviewServiceClient::new(channel.clone()).review_diff(keyed).await.expect("its reply is kept by the id");
    assert_eq!(server.script.calls(), 6);

    // Without the contracts nobody knows what is safe.
    failing(1);
    let blind = remote(&format!("http://{}", server.grpc), KEY).expect("a channel");
    get_review(&blind).await.expect_err("not repeated");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_fault_makes_at_most_a_fifth_more_calls() {
    let mut server = replica("budget", 0).await;
    let channel = channel(&[server.grpc], Duration::from_secs(5));
    server.script.failing.store(usize::MAX, Ordering::SeqCst);
    for _ in 0..200 {
        assert_eq!(get_review(&channel).await.expect_err("on purpose").code(), Code::Unavailable);
    }
    let calls = server.script.calls();
    assert!((200..=245).contains(&calls), "{calls} calls of 200");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_service_that_is_nowhere_is_said_so_at_once() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = free.local_addr().expect("an address");
    drop(free);
    let began = Instant::now();
    let status =
        get_review(&channel(&[address], Duration::from_secs(10))).await.expect_err("nobody is there");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((status.code(), detail(&status).code.as_str()), (Code::Unavailable, "SEPTET-0017"));
    assert!(status.message().contains(&address.to_string()), "{}", status.message());
    for url in ["127.0.0.1:50051", "http://", "ftp://host", "http://u@host:1", "http://host/path", ""] {
        assert!(remote(url, KEY).is_err(), "{url:?}");
    }
}

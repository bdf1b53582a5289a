//! Nobody calls without a proof of identity and a role that the contract names.

use std::fs;

use septet_chassis::{Channel, remote};
use septet_proto_review::v1::{GetReviewRequest, review_service_client::ReviewServiceClient};
use septet_testkit::evidence::Workspace;

use tonic::{Code, Request, Status, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};

use crate::fixture::{KEY, Server, api_keys, detail, review};

fn network(server: &Server) -> tonic::transport::Channel {
    Endpoint::from_shared(format!("http://{}", server.grpc)).expect("a URL").connect_lazy()
}

#[tokio::test]
async fn a_call_without_a_proof_is_refused_with_the_way_out() {
    let mut server = Server::start("auth::none", "").await;
    let mut client = ReviewServiceClient::new(network(&server));
    let status = client.get_review(GetReviewRequest::default()).await.expect_err("no token");
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(detail(&status).code, "SEPTET-0010");
    assert!(status.message().contains("authorization: Bearer TOKEN"), "{}", status.message());

    let wrong: [(&str, &str); 6] = [
        ("authorization", "Bearer local_wrong"),
        ("authorization", "Bearer "),
        ("authorization", "Basic Og=="),
        ("authorization", "Bearer a.b.c"),
        ("authorization", "Bearer septet_unknown"),
        ("x-api-key", "septet_unknown"),
    ];
    for (header, value) in wrong {
        let mut request = Request::new(GetReviewRequest::default());
        request.metadata_mut().insert(header, value.parse().expect("a value"));
        let status = client.get_review(request).await.expect_err("a wrong token");
        assert_eq!(status.code(), Code::Unauthenticated, "{header}: {value}");
        let told = value.rsplit(' ').next().filter(|text| text.len() > 5);
        assert!(told.is_none_or(|told| !status.message().contains(told)), "{}", status.message());
    }
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn the_local_token_opens_everything_and_is_new_at_each_start() {
    let mut server = Server::start("auth::local", "").await;
    let token = fs::read_to_string(server.data_dir().join("token")).expect("a token");
    let reply = review(server.as_caller(&token), "any").await.expect("allowed");
    assert_eq!(reply.review.map(|review| review.id), Some("local".to_owned()));
    let almost = &token[..token.len() - 1];
    assert_eq!(
        review(server.as_caller(almost), "any").await.expect_err("not the token").code(),
        Code::Unauthenticated
    );
    server.drain().await.expect("drained");
    let mut server = Server::again(server.workspace, "").await;
    let new = fs::read_to_string(server.data_dir().join("token")).expect("a token");
    assert_ne!(new, token);
    assert_eq!(
        review(server.as_caller(&token), "any").await.expect_err("the old one").code(),
        Code::Unauthenticated
    );
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn an_api_key_opens_what_its_roles_may_call() {
    let workspace = Workspace::new("chassis::auth::keys");
    let config = api_keys(workspace.path());
    let mut server = Server::again(workspace, &config).await;
    let reply = review(server.as_caller(KEY), "any").await.expect("a developer may");
    assert_eq!(reply.review.map(|review| review.id), Some("ann".to_owned()));

    let mut request = Request::new(GetReviewRequest::default());
    request.metadata_mut().insert("x-api-key", KEY.parse().expect("a value"));
    ReviewServiceClient::new(network(&server)).get_review(request).await.expect("the other header");

    let viewer = format!("{KEY}-viewer");
    ReviewServiceClient::new(server.as_caller(&viewer))
        .get_review(GetReviewRequest::default())
        .await
        .expect("a viewer may look");
    let status = review(server.as_caller(&viewer), "any").await.expect_err("a viewer may not");
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(detail(&status).code, "SEPTET-0011");
    assert!(status.message().contains("developer, operator, service"), "{}", status.message());

    let status = review(server.as_caller(&format!("{KEY}x")), "any").await.expect_err("unknown");
    assert_eq!(status.code(), Code::Unauthenticated);
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_method_that_no_contract_has_is_unimplemented_for_whoever_is_known() {
    let mut server = Server::start("auth::unknown", "").await;
    let call = async |channel: Channel| -> Status {
        let mut client = tonic::client::Grpc::new(channel);
        client.ready().await.expect("ready");
        let path = http::uri::PathAndQuery::from_static("/septet.review.v1.ReviewService/DropTables");
        let codec = tonic_prost::ProstCodec::<GetReviewRequest, GetReviewRequest>::default();
        client
            .unary(Request::new(GetReviewRequest::default()), path, codec)
            .await
            .expect_err("no such method")
    };
    let status = call(server.channel()).await;
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(detail(&status).code, "SEPTET-0012");
    let stranger = remote(&format!("http://{}", server.grpc), "unknown").expect("a channel");
    assert_eq!(call(stranger).await.code(), Code::Unauthenticated);
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn health_is_open_and_reflection_wants_an_identity() {
    let mut server = Server::start("auth::open", "").await;
    let mut health = HealthClient::new(network(&server));
    for service in ["", "septet.review.v1.ReviewService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let reply = health.check(request).await.expect("open").into_inner();
        assert_eq!(reply.status(), ServingStatus::Serving, "{service:?}");
    }
    let ask = || {
        tokio_stream::once(ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        })
    };
    let stranger = ServerReflectionClient::new(network(&server)).server_reflection_info(ask()).await;
    assert_eq!(stranger.expect_err("no identity").code(), Code::Unauthenticated);
    let reply = ServerReflectionClient::new(server.channel()).server_reflection_info(ask()).await;
    let mut replies = reply.expect("known").into_inner();
    let listed = format!("{:?}", replies.message().await.expect("a reply"));
    for service in
        ["septet.review.v1.ReviewService", "septet.common.v1.AdminService", "grpc.health.v1.Health"]
    {
        assert!(listed.contains(service), "{listed}");
    }
    server.drain().await.expect("drained");
}

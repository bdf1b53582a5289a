//! Retries of a call, wherever they arrive.

use septet_proto_devops::v1::{RegisterRepositoryRequest, devops_service_client::DevopsServiceClient};
use septet_proto_review::v1::{ReviewDiffRequest, review_service_client::ReviewServiceClient};
use septet_testkit::{Deadline, eventually_in};
use tonic::Code;

use super::{Reviews, site::Site, wire::diff_with_a_token};

in_each_topology!(a_retried_call_gets_the_same_reply_at_any_replica);
in_each_topology!(a_call_that_arrives_at_every_replica_at_once_takes_effect_once);

fn request(repository: &str, commit: &str, request_id: &str) -> ReviewDiffRequest {
    ReviewDiffRequest {
        request_id: request_id.to_owned(),
        repository: repository.to_owned(),
        commit: commit.to_owned(),
        diff: diff_with_a_token().into_bytes().into(),
    }
}

async fn a_retried_call_gets_the_same_reply_at_any_replica(site: &Site) {
    let septet = site.septet().await;
    let (shop, token) = ("requests/retried", septet.token());
    let call = request(shop, "one", "requests-retried");
    let mut replies = Vec::new();
    for address in septet.addresses("review").repeat(2) {
        let mut review = ReviewServiceClient::new(septet.channel_to(address, &token));
        replies.push(review.review_diff(call.clone()).await.expect("a review").into_inner());
        let other = request(shop, "another", "requests-retried");
        let refused = review.review_diff(other).await.expect_err("the id is another call's");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    }
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:#?}");
    Reviews::of(&septet).appear(shop, &["one"]).await;

    let repository = septet_e2e::Repository::new(&site.path("requests"));
    let call = RegisterRepositoryRequest {
        request_id: "requests-registered".to_owned(),
        location: repository.path().to_str().expect("text").to_owned(),
        ..Default::default()
    };
    let mut replies = Vec::new();
    for address in septet.addresses("devops").repeat(2) {
        let mut devops = DevopsServiceClient::new(septet.channel_to(address, &token));
        replies.push(devops.register_repository(call.clone()).await.expect("it is registered").into_inner());
    }
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:#?}");
}

async fn a_call_that_arrives_at_every_replica_at_once_takes_effect_once(site: &Site) {
    let septet = site.septet().await;
    let (shop, token) = ("requests/at_once", septet.token());
    let call = request(shop, "one", "requests-at-once");
    let calls = septet.addresses("review").repeat(4).into_iter().map(|address| {
        let (call, mut review) = (&call, ReviewServiceClient::new(septet.channel_to(address, &token)));
        async move {
            // The one that comes second while the first is under way is asked to try again.
            eventually_in(Deadline::LONG, "the call is answered", async || {
                match review.review_diff(call.clone()).await {
                    Ok(reply) => Some(reply.into_inner()),
                    Err(status) if matches!(status.code(), Code::Aborted | Code::Unavailable) => None,
                    Err(status) => panic!("{status:?}"),
                }
            })
            .await
        }
    });
    let replies = futures_util::future::join_all(calls).await;
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:#?}");
    Reviews::of(&septet).appear(shop, &["one"]).await;
}

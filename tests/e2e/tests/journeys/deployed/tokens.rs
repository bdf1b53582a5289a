//! Who may call.

use septet_proto_common::v1::{ListDeadLettersRequest, admin_service_client::AdminServiceClient};
use septet_proto_devops::v1::{
    ListChangesRequest, RegisterRepositoryRequest, devops_service_client::DevopsServiceClient,
};
use septet_proto_review::v1::{
    ListReviewsRequest, ReviewDiffRequest, review_service_client::ReviewServiceClient,
};
use tonic::{Code, Response, Status};

use super::site::Site;

in_each_topology!(no_call_without_a_token_and_none_beyond_its_roles);

fn code<T>(outcome: Result<Response<T>, Status>) -> Code {
    outcome.map_or_else(|status| status.code(), |_| Code::Ok)
}

async fn no_call_without_a_token_and_none_beyond_its_roles(site: &Site) {
    let septet = site.septet().await;
    let viewer = septet.token_of("viewer");
    for address in [septet.addresses("devops"), septet.addresses("review")].concat() {
        let plain = septet.channel_without_token(address);
        let mut admin = AdminServiceClient::new(plain);
        let listed = admin.list_dead_letters(ListDeadLettersRequest::default()).await;
        assert_eq!(code(listed), Code::Unauthenticated, "{address} without a token");
        let mut admin = AdminServiceClient::new(septet.channel_to(address, "septet_of_nobody"));
        let listed = admin.list_dead_letters(ListDeadLettersRequest::default()).await;
        assert_eq!(code(listed), Code::Unauthenticated, "{address} with a token of nobody");
    }
    for address in septet.addresses("devops") {
        let mut devops = DevopsServiceClient::new(septet.channel_to(address, &viewer));
        assert_eq!(code(devops.list_changes(ListChangesRequest::default()).await), Code::Ok, "{address}");
        let refused = devops.register_repository(RegisterRepositoryRequest::default()).await;
        assert_eq!(code(refused), Code::PermissionDenied, "a viewer registers nothing at {address}");
    }
    for address in septet.addresses("review") {
        let mut review = ReviewServiceClient::new(septet.channel_to(address, &viewer));
        assert_eq!(code(review.list_reviews(ListReviewsRequest::default()).await), Code::Ok, "{address}");
        let refused = review.review_diff(ReviewDiffRequest::default()).await;
        assert_eq!(code(refused), Code::PermissionDenied, "a viewer has nothing reviewed at {address}");
    }
}

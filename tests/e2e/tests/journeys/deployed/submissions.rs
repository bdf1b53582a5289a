//! Outside producers' diffs on the ingest topic.

use prost::Message as _;
use septet_proto_review::v1::DiffSubmitted;

use super::{
    Reviews,
    site::Site,
    wire::{INGEST, SUBMITTED, diff_with_a_token, publish, submission},
};

in_each_topology!(a_diff_is_reviewed_in_whichever_form_it_comes);
in_each_topology!(a_diff_that_comes_twice_is_reviewed_once);

/// CloudEvents attributes as headers.
fn attributes<'a>(id: &'a str, content_type: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("content-type", content_type),
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", "/ci/shop"),
        ("ce_type", SUBMITTED),
    ]
}

async fn a_diff_is_reviewed_in_whichever_form_it_comes(site: &Site) {
    let septet = site.septet().await;
    let shop = "submissions/forms";
    let bytes = |commit| submission(shop, commit).to_string().into_bytes();

    publish(site, &septet, INGEST, shop, &[], &bytes("bare")).await;
    let json = attributes("forms-json", "application/json");
    publish(site, &septet, INGEST, shop, &json, &bytes("json")).await;
    let message = DiffSubmitted {
        repository: shop.to_owned(),
        commit: "protobuf".to_owned(),
        diff: diff_with_a_token(),
    };
    let protobuf = attributes("forms-protobuf", "application/protobuf");
    publish(site, &septet, INGEST, shop, &protobuf, &message.encode_to_vec()).await;
    let structured = serde_json::json!({
        "specversion": "1.0", "id": "forms-structured", "source": "/ci/shop", "type": SUBMITTED,
        "data": submission(shop, "structured"),
    });
    let content_type = [("content-type", "application/cloudevents+json")];
    publish(site, &septet, INGEST, shop, &content_type, structured.to_string().as_bytes()).await;

    Reviews::of(&septet).appear(shop, &["bare", "json", "protobuf", "structured"]).await;
}

async fn a_diff_that_comes_twice_is_reviewed_once(site: &Site) {
    let septet = site.septet().await;
    let shop = "submissions/twice";
    let bytes = |commit| submission(shop, commit).to_string().into_bytes();
    let headers = attributes("twice", "application/json");
    let mut reviews = Reviews::of(&septet);
    publish(site, &septet, INGEST, shop, &headers, &bytes("repeated")).await;
    // Before it comes again, so that a transaction of its own must know it.
    reviews.appear(shop, &["repeated"]).await;
    for _ in 0..2 {
        publish(site, &septet, INGEST, shop, &headers, &bytes("repeated")).await;
    }
    // Of the same key, so behind all the others.
    publish(site, &septet, INGEST, shop, &attributes("last", "application/json"), &bytes("last")).await;
    reviews.appear(shop, &["last", "repeated"]).await;
}

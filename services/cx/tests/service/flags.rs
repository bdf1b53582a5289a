//! Flags by calls.

use septet_proto_common::v1::PageRequest;
use septet_proto_cx::v1::{
    ArchiveFeatureRequest, EvaluateRequest, GetFeatureRequest, ListFeaturesRequest, PutSavedGroupRequest,
    ValueSource,
};
use septet_testkit::{
    json::{object, value},
    on_both_stores,
    service::Bed,
};
use serde_json::json;
use tonic::Code;

use crate::bed::{CHECKOUT, Running, flag};

fn evaluate(attributes: serde_json::Value, keys: &[&str]) -> EvaluateRequest {
    EvaluateRequest {
        attributes: Some(object(attributes)),
        feature_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..Default::default()
    }
}

async fn flags_are_evaluated_as_they_are_now(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    client.put_feature(flag("checkout", CHECKOUT)).await.unwrap();
    let target = r#"{ "defaultValue": 1, "rules": [{ "id": "pro", "force": 2.5, "condition": { "plan": { "$in": ["pro"] } } }] }"#;
    client.put_feature(flag("limit", target)).await.unwrap();

    let request = evaluate(json!({ "id": "user-1", "plan": "pro" }), &["limit", "checkout", "none"]);
    let reply = client.evaluate(request.clone()).await.unwrap().into_inner();
    let [limit, checkout, none] = reply.evaluations.as_slice() else { panic!("{reply:?}") };
    assert_eq!(
        (limit.value.clone(), limit.source(), limit.rule_id.as_str()),
        (Some(value(json!(2.5))), ValueSource::Force, "pro")
    );
    assert_eq!(checkout.source(), ValueSource::Experiment);
    let assignment = checkout.assignment.as_ref().unwrap();
    // FNV-1a of the seed and the value, twice, by GrowthBook's own function.
    assert_eq!(
        (assignment.experiment_id.as_str(), assignment.hash_value.as_str()),
        ("checkout-test", "user-1")
    );
    assert!(assignment.hash_used && assignment.bucket.is_some());
    assert_eq!((none.source(), none.on), (ValueSource::UnknownFeature, false));
    assert_eq!(client.evaluate(request).await.unwrap().into_inner(), reply, "the same again");

    client.put_feature(flag("limit", r#"{ "defaultValue": 7 }"#)).await.unwrap();
    let all =
        client.evaluate(evaluate(json!({ "plan": "pro" }), &[])).await.unwrap().into_inner().evaluations;
    assert_eq!(all.iter().map(|of| of.feature_key.as_str()).collect::<Vec<_>>(), ["checkout", "limit"]);
    assert_eq!(all[1].value, Some(value(json!(7))));
    assert_eq!(all[0].source(), ValueSource::DefaultValue, "nobody to hash");

    client
        .archive_feature(ArchiveFeatureRequest { key: "limit".to_owned(), ..Default::default() })
        .await
        .unwrap();
    let gone = client.evaluate(evaluate(json!({}), &["limit"])).await.unwrap().into_inner();
    assert_eq!(gone.evaluations[0].source(), ValueSource::UnknownFeature);
}

async fn assignments_stick_and_are_forced_where_asked(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    client.put_feature(flag("checkout", CHECKOUT)).await.unwrap();
    let mut request = evaluate(json!({ "id": "user-1" }), &["checkout"]);
    request.sticky_bucketing = true;
    let first = client.evaluate(request.clone()).await.unwrap().into_inner();
    let kept = first.evaluations[0].assignment.clone().unwrap();
    assert_eq!(first.sticky.len(), 1);
    // Weights that would put everybody into the other one.
    let weights = if kept.variation == "control" { "[0, 1]" } else { "[1, 0]" };
    let changed = CHECKOUT.replace(r#""hashVersion""#, &format!(r#""weights": {weights}, "hashVersion""#));
    client.put_feature(flag("checkout", &changed)).await.unwrap();
    request.sticky = first.sticky;
    let second = client.evaluate(request.clone()).await.unwrap().into_inner();
    let assignment = second.evaluations[0].assignment.clone().unwrap();
    assert_eq!(
        (assignment.variation.as_str(), assignment.sticky_bucket_used),
        (kept.variation.as_str(), true)
    );
    assert!(second.sticky.is_empty(), "nothing new to keep");
    request.sticky.clear();
    let moved = client.evaluate(request.clone()).await.unwrap().into_inner();
    assert_ne!(moved.evaluations[0].assignment.as_ref().unwrap().variation, kept.variation);

    request.forced_variations.insert("checkout-test".to_owned(), 1);
    let forced = client.evaluate(request.clone()).await.unwrap().into_inner().evaluations[0]
        .assignment
        .clone()
        .unwrap();
    assert_eq!((forced.variation.as_str(), forced.hash_used, forced.bucket), ("treatment", false, None));
    request.url = "https://shop.example/?checkout-test=0".to_owned();
    let by_url =
        client.evaluate(request).await.unwrap().into_inner().evaluations[0].assignment.clone().unwrap();
    assert_eq!(by_url.variation, "control");
}

async fn groups_are_what_they_are_now(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let rule = r#"{ "defaultValue": false, "rules": [{ "force": true, "condition": { "id": { "$inGroup": "beta" } } }] }"#;
    client.put_feature(flag("beta", rule)).await.unwrap();
    let request = evaluate(json!({ "id": "user-1" }), &["beta"]);
    assert!(!client.evaluate(request.clone()).await.unwrap().into_inner().evaluations[0].on);
    let members = prost_types::ListValue { values: vec![value(json!("user-1")), value(json!(7))] };
    let group = PutSavedGroupRequest { id: "beta".to_owned(), members: Some(members), ..Default::default() };
    assert_eq!(client.put_saved_group(group).await.unwrap().into_inner().members, 2);
    assert!(client.evaluate(request).await.unwrap().into_inner().evaluations[0].on);
}

async fn wrong_flags_are_refused_by_code(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let rule = |rule: &str| format!(r#"{{ "rules": [{{ "force": 1 }}, {rule}] }}"#);
    let long = format!(r#"{{ "defaultValue": "{}" }}"#, "x".repeat(300_000));
    for (key, definition, words) in [
        ("", "{}".to_owned(), ["CX-0001", "`key`"]),
        ("two words", "{}".to_owned(), ["CX-0001", "`key`"]),
        ("f", long, ["CX-0001", "`definition`"]),
        ("f", rule(r#"{ "force": 1, "condition": { "a": { "$regx": "x" } } }"#), ["CX-0002", "rule 2"]),
        ("f", rule(r#"{ "variations": [1, 2], "hashVersion": 3 }"#), ["CX-0002", "hash version"]),
        ("f", r#"{ "rules": 1 }"#.to_owned(), ["CX-0002", "definition"]),
    ] {
        let status = client.put_feature(flag(key, &definition)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        words.iter().for_each(|word| assert!(status.message().contains(word), "{word}: {status:?}"));
    }
    let unknown = client.get_feature(GetFeatureRequest { key: "f".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}");
    assert!(unknown.message().contains("CX-0003"), "{unknown:?}");
    let huge = evaluate(json!({ "id": "x".repeat(70_000) }), &[]);
    assert!(client.evaluate(huge).await.unwrap_err().message().contains("`attributes`"));
}

async fn flags_have_versions_pages_and_safe_retries(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    for number in 0..5 {
        client.put_feature(flag(&format!("f{number}"), "{}")).await.unwrap();
    }
    let mut change = flag("f0", r#"{ "defaultValue": 1 }"#);
    (change.request_id, change.replaces_version) = ("once".to_owned(), 1);
    let first = client.put_feature(change.clone()).await.unwrap().into_inner();
    assert_eq!(first.feature.as_ref().unwrap().version, 2);
    assert_eq!(client.put_feature(change.clone()).await.unwrap().into_inner(), first, "a retry");
    change.request_id = "another".to_owned();
    let stale = client.put_feature(change).await.unwrap_err();
    assert_eq!((stale.code(), stale.message().contains("CX-0004")), (Code::Aborted, true), "{stale:?}");

    client
        .archive_feature(ArchiveFeatureRequest { key: "f3".to_owned(), ..Default::default() })
        .await
        .unwrap();
    for (include_archived, expected) in
        [(false, vec!["f0", "f1", "f2", "f4"]), (true, vec!["f0", "f1", "f2", "f3", "f4"])]
    {
        let (mut keys, mut page) = (Vec::new(), PageRequest { page_size: 2, ..Default::default() });
        loop {
            let request = ListFeaturesRequest { page: Some(page.clone()), include_archived };
            let reply = client.list_features(request).await.unwrap().into_inner();
            keys.extend(reply.features.into_iter().map(|feature| feature.key));
            page.page_token = reply.page.unwrap().next_page_token;
            if page.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(keys, expected);
    }
}

on_both_stores!(
    flags_are_evaluated_as_they_are_now,
    assignments_stick_and_are_forced_where_asked,
    groups_are_what_they_are_now,
    wrong_flags_are_refused_by_code,
    flags_have_versions_pages_and_safe_retries,
);

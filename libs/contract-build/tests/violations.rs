//! What does not build, and what the message says.

mod tree;

use septet_contract_build::{ContractError, Violation, generate, validate};
use tree::Tree;

/// All violations of the service `shop`; none where its contract is right.
fn violations(tree: &Tree) -> Vec<Violation> {
    match validate(tree.root(), "shop") {
        Ok(()) => Vec::new(),
        Err(ContractError::Violations(violations)) => violations,
        Err(other) => panic!("{other}"),
    }
}

/// The one violation of a contract of this one file.
fn violation(body: &str) -> Violation {
    let violations = violations(&Tree::of(&[("shop.proto", body)]));
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations.into_iter().next().unwrap()
}

/// An event `Sold` with these options, after three lines of header.
fn event(options: &str) -> String {
    format!(
        "message Sold {{\n  option (septet.common.v1.event) = {{{options}}};\n  string order_id = 1;\n  int64 total = 2;\n  \
         repeated string items = 3;\n  optional string note = 4;\n  oneof who {{ string name = 5; }}\n}}\n"
    )
}

fn says(violation: &Violation, place: &str, words: &[&str]) {
    let text = violation.to_string();
    assert!(text.starts_with(place), "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

const SOLD: &str = "septet/shop/v1/shop.proto:4: message septet.shop.v1.Sold";

#[test]
fn a_complete_contract_has_none() {
    let body = event("topic: \"shop.order.v1\" key: \"order_id\"")
        + "message Pack { option (septet.common.v1.job) = {queue: \"shop.pack\"}; }\n\
           message Ask {}\nmessage Answer {}\n\
           service Shop { rpc Ask(Ask) returns (Answer) { option (septet.common.v1.auth) = {roles: [\"viewer\"]}; } }\n";
    assert_eq!(violations(&Tree::of(&[("shop.proto", &body)])), []);
}

#[test]
fn an_rpc_without_roles() {
    let found = violation("message A {}\nservice Shop {\n  rpc Ask(A) returns (A);\n}\n");
    says(
        &found,
        "septet/shop/v1/shop.proto:6: rpc septet.shop.v1.Shop.Ask",
        &["no roles", "option (septet.common.v1.auth) = {roles: [", "`operator`"],
    );
}

#[test]
fn an_rpc_with_an_empty_role_list() {
    let found = violation(
        "message A {}\nservice Shop { rpc Ask(A) returns (A) { option (septet.common.v1.auth) = {roles: []}; } }\n",
    );
    says(&found, "septet/shop/v1/shop.proto:5: rpc", &["no roles"]);
}

#[test]
fn an_rpc_with_an_unknown_role() {
    let found = violation(
        "message A {}\nservice Shop { rpc Ask(A) returns (A) { option (septet.common.v1.auth) = {roles: [\"viewer\", \"root\"]}; } }\n",
    );
    says(&found, "septet/shop/v1/shop.proto:5: rpc", &["unknown role `root`", "`viewer`, `developer`"]);
}

#[test]
fn an_event_without_a_topic() {
    says(&violation(&event("key: \"order_id\"")), SOLD, &["without a topic", "topic: \"shop.<entity>.v1\""]);
}

#[test]
fn an_event_without_a_key_is_told_a_field_that_would_do() {
    says(&violation(&event("topic: \"shop.order.v1\"")), SOLD, &["without a key", "key: \"order_id\""]);
}

#[test]
fn a_key_that_is_no_plain_string_field() {
    for (key, words) in [
        ("order", "not one of its fields"),
        ("total", "not a plain string field"),
        ("items", "not a plain string field"),
        ("note", "not a plain string field"),
        ("name", "not a plain string field"),
    ] {
        let found = violation(&event(&format!("topic: \"shop.order.v1\" key: \"{key}\"")));
        says(&found, SOLD, &[&format!("`{key}`"), words, "it has `order_id`"]);
    }
}

#[test]
fn a_topic_of_the_wrong_form() {
    for topic in [
        "shop",
        "shop.v1",
        "shop.order",
        "shop.order.1",
        "shop.order.v0",
        "shop.Order.v1",
        "shop..v1",
        "shop.order.v",
    ] {
        let found = violation(&event(&format!("topic: \"{topic}\" key: \"order_id\"")));
        says(&found, SOLD, &[topic, "<domain>.<entity>.v<major>"]);
    }
    for topic in ["shop.order.v1", "shop.order.ingest.v12", "shop.gift-card.v2"] {
        let tree = Tree::of(&[("shop.proto", &event(&format!("topic: \"{topic}\" key: \"order_id\"")))]);
        assert_eq!(violations(&tree), []);
    }
}

#[test]
fn a_topic_of_another_domain() {
    says(
        &violation(&event("topic: \"bank.order.v1\" key: \"order_id\"")),
        SOLD,
        &["another domain", "shop.<entity>.v1"],
    );
}

#[test]
fn a_second_type_on_an_ingest_topic() {
    let options = "topic: \"shop.order.ingest.v1\" key: \"order_id\" ingest: true";
    let second = event(options).replace("Sold", "Returned");
    let found = violation(&(event(options) + &second));
    says(
        &found,
        "septet/shop/v1/shop.proto:12: message septet.shop.v1.Returned",
        &[
            "second type on the ingest topic `shop.order.ingest.v1`",
            "septet.shop.v1.Sold",
            "topic of its own",
        ],
    );
}

#[test]
fn events_that_disagree_on_their_topic() {
    let first = event("topic: \"shop.order.v1\" key: \"order_id\"");
    let second =
        event("topic: \"shop.order.v1\" key: \"order_id\" partitions: 3").replace("Sold", "Returned");
    let found = violation(&(first.clone() + &second));
    says(&found, "septet/shop/v1/shop.proto:12: ", &["other options", "septet.shop.v1.Sold", "`partitions`"]);
    // The default said aloud is no disagreement.
    let second = second.replace("partitions: 3", "partitions: 12 retention_hours: 168");
    assert_eq!(violations(&Tree::of(&[("shop.proto", &(first + &second))])), []);
}

#[test]
fn one_name_in_two_files_names_both() {
    let tree = Tree::of(&[("a.proto", "message Sold {}\n"), ("b.proto", "\nmessage Sold {}\n")]);
    let violations = violations(&tree);
    assert_eq!(violations.len(), 1);
    says(
        &violations[0],
        "septet/shop/v1/b.proto:5: message septet.shop.v1.Sold",
        &["declared in septet/shop/v1/a.proto:4 already", "rename"],
    );
}

#[test]
fn a_job_without_a_queue_or_with_one_of_another_service() {
    let job = |options: &str| format!("message Pack {{ option (septet.common.v1.job) = {{{options}}}; }}\n");
    let place = "septet/shop/v1/shop.proto:4: message septet.shop.v1.Pack";
    says(&violation(&job("max_attempts: 3")), place, &["without a queue", "queue: \"shop.<work>\""]);
    for queue in ["bank.pack", "pack", "shop.", "shop.Pack", "shop.a.b"] {
        says(&violation(&job(&format!("queue: \"{queue}\""))), place, &[queue, "shop.<work>"]);
    }
}

#[test]
fn a_message_that_is_both_event_and_job() {
    let body = event("topic: \"shop.order.v1\" key: \"order_id\"").replace(
        "  string order_id",
        "  option (septet.common.v1.job) = {queue: \"shop.pack\"};\n  string order_id",
    );
    says(&violation(&body), SOLD, &["both an event and a job"]);
}

#[test]
fn a_package_that_is_not_its_folder() {
    let tree = Tree::of(&[]);
    let file = tree.root().join("septet/shop/v1/shop.proto");
    std::fs::write(file, "syntax = \"proto3\";\npackage septet.bank.v1;\nmessage A {}\n").unwrap();
    let violations = violations(&tree);
    assert_eq!(violations.len(), 1);
    says(
        &violations[0],
        "septet/shop/v1/shop.proto:2: package `septet.bank.v1`",
        &["package septet.shop.v1;"],
    );
}

#[test]
fn all_are_reported_at_once_in_the_order_of_the_files() {
    let tree = Tree::of(&[
        ("b.proto", "message A {}\nservice Shop { rpc Ask(A) returns (A); }\n"),
        ("a.proto", &event("ingest: true")),
    ]);
    let text = validate(tree.root(), "shop").unwrap_err().to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "the contract has 3 violations:");
    assert!(
        lines[1].contains("a.proto") && lines[2].contains("a.proto") && lines[3].contains("b.proto"),
        "{text}"
    );
}

#[test]
fn nested_messages_count() {
    let found = violation(
        "message Outer {\n  message Inner {\n    option (septet.common.v1.event) = {topic: \"shop.order.v1\"};\n    string id = 1;\n  }\n}\n",
    );
    says(&found, "septet/shop/v1/shop.proto:5: message septet.shop.v1.Outer.Inner", &["key: \"id\""]);
}

#[test]
fn two_names_that_rust_cannot_tell_apart() {
    let tree = Tree::of(&[("shop.proto", "message HTTPCall {}\nmessage HttpCall {}\n")]);
    let out = tempfile::tempdir().unwrap();
    let error = generate(tree.root(), "shop", out.path()).unwrap_err().to_string();
    assert!(
        error.contains("shop.proto:5: message septet.shop.v1.HttpCall becomes the Rust type `HttpCall`"),
        "{error}"
    );
}

#[test]
fn what_is_not_protobuf_is_reported_with_its_place() {
    let tree = Tree::of(&[("shop.proto", "message A { Missing a = 1; }\n")]);
    let Err(ContractError::Protobuf(text)) = validate(tree.root(), "shop") else { panic!() };
    assert!(text.contains("septet/shop/v1/shop.proto:4:13") && text.contains("Missing"), "{text}");

    let error = validate(tree.root(), "bank").unwrap_err().to_string();
    assert!(error.contains("septet/bank/v1"), "{error}");
}

//! `breaking` on pairs of contracts, and the real contracts against their baseline.

mod tree;

use septet_contract_build::{ContractError, breaking, descriptors};
use tree::{Tree, real};

const BASE: &str = "message Sold {
  option (septet.common.v1.event) = {topic: \"shop.order.v1\" key: \"id\"};
  reserved 10 to 12, 20;
  reserved \"gone\";
  string id = 1;
  int64 total = 2;
  oneof who { string name = 3; string email = 4; }
  optional string note = 5;
  Kind kind = 6;
  map<string, int32> counts = 7;
}
message Pack { option (septet.common.v1.job) = {queue: \"shop.pack\"}; }
enum Kind { KIND_UNSPECIFIED = 0; KIND_GIFT = 1; reserved 5; }
message Ask {}
service Shop {
  rpc Get(Ask) returns (Ask) { option (septet.common.v1.auth) = {roles: [\"viewer\"]}; }
}
";

fn changes(from: &str, to: &str) -> Vec<String> {
    let set = |body: &str| descriptors(Tree::of(&[("shop.proto", body)]).root()).unwrap();
    let before = set(BASE);
    assert!(BASE.contains(from), "the test replaces nothing: {from}");
    breaking(&before, &set(&BASE.replace(from, to))).unwrap()
}

#[test]
fn additions_break_nothing() {
    assert_eq!(changes("message Ask {}", "message Ask { string q = 1; }\nmessage More {}"), [""; 0]);
    assert_eq!(changes("KIND_GIFT = 1;", "KIND_GIFT = 1; KIND_OTHER = 2;"), [""; 0]);
    assert_eq!(changes("  Kind kind = 6;", "  Kind kind = 6;\n  repeated string tags = 8;"), [""; 0]);
    assert_eq!(changes("reserved 10 to 12, 20;", "reserved 10, 11 to 30;"), [""; 0]);
    // The defaults said aloud.
    assert_eq!(changes("key: \"id\"", "key: \"id\" partitions: 12"), [""; 0]);
    // Who may call is the contract of today, not of yesterday.
    assert_eq!(changes("[\"viewer\"]", "[\"viewer\", \"operator\"]"), [""; 0]);
}

#[test]
fn each_breaking_change_is_named() {
    let sold = "septet.shop.v1.Sold";
    for (from, to, expected) in [
        ("int64 total = 2;", "", format!("field {sold}.total (2) was removed")),
        ("int64 total = 2;", "reserved 2;", format!("field {sold}.total (2) was removed")),
        (
            "int64 total = 2;",
            "int64 total = 9;",
            format!("field {sold}.total changed its number from 2 to 9"),
        ),
        (
            "int64 total = 2;",
            "int64 sum = 2;",
            format!("field {sold}.total (2) changed its name from total to sum"),
        ),
        (
            "int64 total = 2;",
            "int32 total = 2;",
            format!("field {sold}.total (2) changed its type from int64 to int32"),
        ),
        (
            "int64 total = 2;",
            "repeated int64 total = 2;",
            format!("field {sold}.total (2) changed its label from singular to repeated"),
        ),
        (
            "optional string note",
            "string note",
            format!("field {sold}.note (5) changed its label from optional to singular"),
        ),
        (
            "string email = 4; }",
            "} string email = 4;",
            format!("field {sold}.email (4) changed its oneof from `who` to none"),
        ),
        (
            "  Kind kind = 6;",
            "  Ask kind = 6;",
            format!("field {sold}.kind (6) changed its type from septet.shop.v1.Kind to septet.shop.v1.Ask"),
        ),
        (
            "message Pack { option (septet.common.v1.job) = {queue: \"shop.pack\"}; }",
            "",
            "message septet.shop.v1.Pack was removed".to_owned(),
        ),
        (
            "option (septet.common.v1.job) = {queue: \"shop.pack\"};",
            "",
            "message septet.shop.v1.Pack is no longer a job".to_owned(),
        ),
        (
            "shop.pack",
            "shop.wrap",
            "job septet.shop.v1.Pack changed its queue from shop.pack to shop.wrap".to_owned(),
        ),
        (
            "option (septet.common.v1.event) = {topic: \"shop.order.v1\" key: \"id\"};",
            "",
            format!("message {sold} is no longer an event"),
        ),
        (
            "shop.order.v1",
            "shop.sale.v1",
            format!("event {sold} changed its topic from shop.order.v1 to shop.sale.v1"),
        ),
        (
            "key: \"id\"",
            "key: \"id\" partitions: 24",
            format!("event {sold} changed its partitions from 12 to 24"),
        ),
        ("KIND_GIFT = 1;", "", "enum value septet.shop.v1.KIND_GIFT (1) was removed".to_owned()),
        (
            "KIND_GIFT = 1;",
            "KIND_GIFT = 2;",
            "enum value septet.shop.v1.KIND_GIFT changed its number from 1 to 2".to_owned(),
        ),
        ("reserved 5;", "", "enum septet.shop.v1.Kind no longer reserves the numbers 5 to 5".to_owned()),
        (
            "reserved 10 to 12, 20;",
            "reserved 10 to 11, 20;",
            format!("message {sold} no longer reserves the numbers 10 to 12"),
        ),
        ("reserved \"gone\";", "", format!("message {sold} no longer reserves the name `gone`")),
        ("rpc Get(Ask)", "rpc Fetch(Ask)", "rpc septet.shop.v1.Shop.Get was removed".to_owned()),
        (
            "rpc Get(Ask)",
            "rpc Get(Pack)",
            "rpc septet.shop.v1.Shop.Get changed its request from septet.shop.v1.Ask to septet.shop.v1.Pack"
                .to_owned(),
        ),
        (
            "returns (Ask)",
            "returns (stream Ask)",
            "rpc septet.shop.v1.Shop.Get changed its responses from one message to a stream".to_owned(),
        ),
        ("service Shop", "service Store", "service septet.shop.v1.Shop was removed".to_owned()),
    ] {
        assert_eq!(changes(from, to), [expected], "`{from}` to `{to}`");
    }
}

#[test]
fn another_key_breaks_the_order() {
    assert_eq!(
        changes(
            "key: \"id\"};\n  reserved 10 to 12, 20;",
            "key: \"ref\"};\n  reserved 10 to 12, 20;\n  string ref = 8;"
        ),
        ["event septet.shop.v1.Sold changed its key from id to ref"]
    );
}

#[test]
fn bytes_that_are_no_descriptors_are_named() {
    let good = descriptors(Tree::of(&[("shop.proto", BASE)]).root()).unwrap();
    let error = breaking(b"\xff", &good).unwrap_err();
    assert!(matches!(error, ContractError::Descriptors { which: "baseline", .. }), "{error}");
    let error = breaking(&good, b"\xff").unwrap_err();
    assert!(matches!(error, ContractError::Descriptors { which: "current", .. }), "{error}");
}

#[test]
fn the_contracts_break_nothing_that_was_released() {
    let baseline = std::fs::read(real().join("baseline.binpb")).unwrap();
    assert_eq!(breaking(&baseline, &descriptors(&real()).unwrap()).unwrap(), [""; 0]);
}

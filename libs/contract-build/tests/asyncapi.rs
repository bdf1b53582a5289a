//! The AsyncAPI document of a small contract and of the real ones.

mod tree;

use std::fs;

use septet_contract_build::asyncapi;
use serde_json::{Value, json};
use tree::{Tree, real};

#[test]
fn the_checked_in_document_is_up_to_date() {
    let checked_in = fs::read_to_string(real().join("asyncapi.json")).unwrap();
    let current = asyncapi(&real()).unwrap();
    assert!(
        checked_in == current,
        "proto/asyncapi.json is out of date: run `cargo run -p septet-contract-build --example contracts`"
    );
    assert!(current.ends_with("}\n"));
}

#[test]
fn a_topic_has_its_messages_bindings_and_schemas() {
    let tree = Tree::of(&[(
        "shop.proto",
        "// Someone bought something.\nmessage Sold {\n\
         option (septet.common.v1.event) = {topic: \"shop.order.v1\" key: \"order_id\" partitions: 3 retention_hours: 2};\n\
         // The order.\nstring order_id = 1;\nint64 total = 2;\nbytes receipt = 3;\nrepeated Item items = 4;\n\
         map<string, uint32> counts = 5;\n}\n\
         message Item { Kind kind = 1; Item bundled = 2; }\nenum Kind { KIND_UNSPECIFIED = 0; KIND_GIFT = 1; }\n\
         message Wish { option (septet.common.v1.event) = {topic: \"shop.wish.ingest.v1\" key: \"who\" ingest: true}; string who = 1; }\n",
    )]);
    let document: Value = serde_json::from_str(&asyncapi(tree.root()).unwrap()).unwrap();
    let at = |pointer: &str| document.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));

    assert_eq!(at("/asyncapi"), "3.0.0");
    assert_eq!(
        at("/channels/shop.order.v1/bindings/kafka"),
        &json!({
            "topic": "shop.order.v1", "partitions": 3, "bindingVersion": "0.5.0",
            "topicConfiguration": { "cleanup.policy": ["delete"], "retention.ms": 7_200_000 },
        })
    );
    assert_eq!(at("/channels/shop.wish.ingest.v1/bindings/kafka/partitions"), 12);
    assert_eq!(at("/operations/shop.send.shop.order.v1/action"), "send");
    assert_eq!(at("/operations/shop.receive.shop.wish.ingest.v1/action"), "receive");
    let sold = at("/components/messages/septet.shop.v1.Sold");
    assert_eq!(sold["summary"], "Someone bought something.");
    assert!(sold["bindings"]["kafka"]["key"]["description"].as_str().unwrap().contains("`order_id`"));
    assert!(sold["headers"]["required"].is_array());
    // Bare JSON has no headers.
    assert!(at("/components/messages/septet.shop.v1.Wish/headers").get("required").is_none());
    let properties = at("/components/schemas/septet.shop.v1.Sold/properties");
    assert_eq!(properties["orderId"], json!({ "type": "string", "description": "The order." }));
    assert_eq!(properties["total"]["type"], json!(["string", "integer"]));
    assert_eq!(properties["receipt"]["contentEncoding"], "base64");
    assert_eq!(
        properties["items"],
        json!({ "type": "array", "items": { "$ref": "#/components/schemas/septet.shop.v1.Item" } })
    );
    assert_eq!(properties["counts"]["additionalProperties"]["maximum"], u32::MAX);
    assert_eq!(at("/components/schemas/septet.shop.v1.Kind/enum"), &json!(["KIND_UNSPECIFIED", "KIND_GIFT"]));
    // A message that contains itself.
    assert_eq!(
        at("/components/schemas/septet.shop.v1.Item/properties/bundled"),
        &json!({ "$ref": "#/components/schemas/septet.shop.v1.Item" })
    );
}

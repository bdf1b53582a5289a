//! Every kind of malformed record, with the reason that `docs/contracts.md` gives for it.

use prost::Message;
use septet_proto_review::v1::DiffSubmitted;
use serde_json::json;

use super::record::{CHANGES, PROTOBUF, Poison, SUBMITTED, diff};

/// What comes of a dead letter that is redriven.
#[derive(Clone, Debug)]
pub enum Redrive {
    /// With this value it is handled.
    Mended(Vec<u8>),
    /// It is handled as it is: what was wrong with it cannot be sent again.
    Heals,
    /// A value does not mend it: it comes back.
    Returns,
}

/// One kind of malformed record.
pub struct Class {
    pub name: &'static str,
    pub reason: &'static str,
    /// The record with this identity, and what comes of it when it is redriven.
    pub make: fn(&str) -> (Poison, Redrive),
}

const fn class(name: &'static str, reason: &'static str, make: fn(&str) -> (Poison, Redrive)) -> Class {
    Class { name, reason, make }
}

pub const CLASSES: &[Class] = &[
    class("a header key that is not UTF-8", "malformed_headers", |id| {
        (Poison { raw_header: Some(b"\xff\xfe"), ..Poison::bare(bare(id)) }, Redrive::Heals)
    }),
    class("a header with a null value", "malformed_headers", |id| {
        (Poison::binary(id).header("ce_source", None), Redrive::Returns)
    }),
    class("a header value that is not UTF-8", "malformed_headers", |id| {
        (Poison::binary(id).header("ce_id", Some(b"\xff")), Redrive::Returns)
    }),
    class("too many headers", "malformed_headers", |id| {
        let mut poison = Poison::binary(id);
        poison.headers.resize(300, ("x".to_owned(), Some(Vec::new())));
        (poison, Redrive::Returns)
    }),
    class("no payload", "null_payload", |id| (Poison::binary(id).value(None), mended(id))),
    class("an empty record", "null_payload", |id| {
        (Poison { key: None, value: None, ..Poison::bare(Vec::new()) }, Redrive::Mended(bare(id)))
    }),
    class("a structured tombstone", "null_payload", |id| {
        (
            Poison { value: None, ..structured(Vec::new()) },
            Redrive::Mended(event(id, &json!({"data": fields(id)}))),
        )
    }),
    class("a structured event without data", "null_payload", |id| {
        (structured(event(id, &json!({}))), Redrive::Mended(event(id, &json!({"data": fields(id)}))))
    }),
    class("no bytes where JSON is due", "invalid_payload", |id| {
        (Poison::bare(Vec::new()), Redrive::Mended(bare(id)))
    }),
    class("JSON that is not UTF-8", "invalid_payload", |id| {
        (Poison::bare(b"{\"repository\": \"\xff\"}".to_vec()), Redrive::Mended(bare(id)))
    }),
    class("protobuf text that is not UTF-8", "invalid_payload", |id| {
        (Poison::binary(id).value(Some(b"\x0a\x01\xff".to_vec())), mended(id))
    }),
    class("protobuf that ends too soon", "invalid_payload", |id| {
        let mut value = submitted(id);
        value.truncate(value.len() - 7);
        (Poison::binary(id).value(Some(value)), mended(id))
    }),
    class("protobuf with a field of another type", "invalid_payload", |id| {
        (Poison::binary(id).value(Some(b"\x08\x01".to_vec())), mended(id))
    }),
    class("bytes that are nothing", "invalid_payload", |id| {
        (Poison::bare((0..=255).rev().collect()), Redrive::Mended(bare(id)))
    }),
    class("JSON that is no object", "invalid_payload", |id| {
        (Poison::bare(b"[1, 2, 3]".to_vec()), Redrive::Mended(bare(id)))
    }),
    class("JSON with a field that is none", "invalid_payload", |id| {
        (Poison::bare(b"{\"repositry\": \"shop\"}".to_vec()), Redrive::Mended(bare(id)))
    }),
    class("an enum value that is none", "invalid_payload", |id| {
        let value = json!({"changeId": id, "change": {"files": [{"status": "FILE_STATUS_EATEN"}]}});
        let poison = Poison::of(id, "septet.devops.v1.ChangePushed", "application/json");
        let poison = Poison { topic: CHANGES, ..poison.value(Some(value.to_string().into_bytes())) };
        (
            poison,
            Redrive::Mended(
                json!({"changeId": id, "change": change(id), "diff": whole()}).to_string().into_bytes(),
            ),
        )
    }),
    class("base64 that is none", "invalid_payload", |id| {
        let right = json!({"datacontenttype": PROTOBUF, "data_base64": base64(&submitted(id))});
        let wrong = json!({"datacontenttype": PROTOBUF, "data_base64": "!!!"});
        (structured(event(id, &wrong)), Redrive::Mended(event(id, &right)))
    }),
    class("10 MiB", "too_large", |id| (Poison::binary(id).value(Some(vec![b' '; 10 << 20])), mended(id))),
    class("JSON nested 10,000 deep", "too_deep", |id| {
        let deep = format!("{{\"repository\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        (Poison::bare(deep.into_bytes()), Redrive::Mended(bare(id)))
    }),
    class("a type that nobody declares", "unknown_type", |id| {
        (Poison::of(id, "septet.nobody.v1.Thing", PROTOBUF), Redrive::Returns)
    }),
    class("a type of another topic", "wrong_topic", |id| {
        (Poison::of(id, "septet.devops.v1.ChangePushed", PROTOBUF), Redrive::Returns)
    }),
    class("a type of another topic that the service only publishes", "wrong_topic", |id| {
        (Poison::of(id, "septet.review.v1.ReviewCompleted", PROTOBUF), Redrive::Returns)
    }),
    class("an unknown content type", "unsupported_content_type", |id| {
        (Poison::of(id, SUBMITTED, "application/avro"), Redrive::Returns)
    }),
    class("an unknown charset", "unsupported_content_type", |id| {
        (Poison::of(id, SUBMITTED, "application/json; charset=latin1"), Redrive::Returns)
    }),
    class("no id", "missing_attribute", |id| (Poison::binary(id).without("ce_id"), Redrive::Returns)),
    class("no content type", "missing_attribute", |id| {
        (Poison::binary(id).without("content-type"), Redrive::Returns)
    }),
    class("two ids", "duplicate_attribute", |id| {
        let mut poison = Poison::binary(id);
        poison.headers.push(("ce_id".to_owned(), Some(b"another".to_vec())));
        (poison, Redrive::Returns)
    }),
    class("two ids in a structured event", "duplicate_attribute", |id| {
        let right = event(id, &json!({"data": fields(id)}));
        let twice = String::from_utf8_lossy(&right).replacen('{', "{\"id\": \"another\", ", 1);
        (structured(twice.into_bytes()), Redrive::Mended(right))
    }),
    class("another version of CloudEvents", "invalid_attribute", |id| {
        (Poison::binary(id).header("ce_specversion", Some(b"0.3")), Redrive::Returns)
    }),
    class("a time that is none", "invalid_attribute", |id| {
        (Poison::binary(id).header("ce_time", Some(b"yesterday")), Redrive::Returns)
    }),
    class("a clock that is far ahead", "future_time", |id| {
        (Poison::binary(id).header("ce_time", Some(b"2999-01-01T00:00:00Z")), Redrive::Returns)
    }),
    class("an event that the rules forbid", "rejected", |id| {
        let event = DiffSubmitted { repository: String::new(), commit: id.to_owned(), diff: String::new() };
        (Poison::binary(id).value(Some(event.encode_to_vec())), mended(id))
    }),
    class("a diff that is none", "rejected", |id| {
        let diff = "--- a/x\n+++ b/x\n@@ -0,0 +1,9 @@\n+one\n".to_owned();
        let event = DiffSubmitted { repository: "shop".to_owned(), commit: id.to_owned(), diff };
        (Poison::binary(id).value(Some(event.encode_to_vec())), mended(id))
    }),
];

/// A record's name, and how to make it for an operation.
type Right = (&'static str, fn(&str) -> Poison);

/// What looks odd, and is right: it is handled like any other.
pub const RIGHT: &[Right] = &[
    ("a key that is not the message's", |id| Poison {
        key: Some("elsewhere".to_owned()),
        ..Poison::binary(id)
    }),
    ("headers of others, null ones among them", |id| {
        Poison::binary(id).header("x-null", None).header("x-bytes", Some(b"\xff"))
    }),
    ("a field that the reader does not know", |id| {
        Poison::binary(id).value(Some([submitted(id).as_slice(), b"\xfa\x3e\x03new"].concat()))
    }),
    ("a trace that cannot be read", |id| Poison::binary(id).header("traceparent", Some(b"\xff"))),
];

fn mended(id: &str) -> Redrive {
    Redrive::Mended(submitted(id))
}

/// The event as protobuf.
pub fn submitted(id: &str) -> Vec<u8> {
    DiffSubmitted { repository: "shop".to_owned(), commit: id.to_owned(), diff: diff() }.encode_to_vec()
}

fn fields(id: &str) -> serde_json::Value {
    json!({"repository": "shop", "commit": id, "diff": diff()})
}

/// The event as an object alone.
fn bare(id: &str) -> Vec<u8> {
    fields(id).to_string().into_bytes()
}

fn change(id: &str) -> serde_json::Value {
    json!({"id": id, "repositoryId": "elsewhere", "repositoryName": "shop", "commit": id})
}

/// A diff that came along with its event, so that nobody is asked for it.
fn whole() -> serde_json::Value {
    json!({"inline": base64(diff().as_bytes()), "size": diff().len().to_string(), "complete": true})
}

fn event(id: &str, with: &serde_json::Value) -> Vec<u8> {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "/poison", "type": SUBMITTED});
    if let (Some(event), Some(with)) = (event.as_object_mut(), with.as_object()) {
        event.extend(with.clone());
    }
    event.to_string().into_bytes()
}

fn structured(value: Vec<u8>) -> Poison {
    let headers = vec![("content-type".to_owned(), Some(b"application/cloudevents+json".to_vec()))];
    Poison { headers, ..Poison::bare(value) }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

#[test]
fn there_are_enough_classes_and_each_has_its_own_name() {
    assert!(CLASSES.len() >= 18);
    let names: std::collections::BTreeSet<_> = CLASSES.iter().map(|class| class.name).collect();
    assert_eq!(names.len(), CLASSES.len());
}

//! Each reason for which a record is refused, by its stable word, and that the message keeps the payload to itself.

mod fixture;

use bytes::Bytes;
use fixture::{DIFF_SUBMITTED, INGEST, binary_json, catalog, ingest, noon, on, record, structured, with};
use septet_contract::cloudevents::{Origin, decode, to_record};
use septet_contract::{Cause, Envelope, Header, Limits, Record};
use septet_proto_devops::v1::ChangePushed;

const SECRET: &str = "AKIAhunter2hunter2";

/// Refuses with this word and names this thing.
fn refuses(record: &Record, reason: &str, names: &str) {
    let error = ingest(record).expect_err(reason);
    let text = error.to_string();
    assert_eq!(error.reason(), reason, "{text}");
    assert!(text.contains(names), "no `{names}` in: {text}");
    assert!(!text.contains('\n') && !text.contains(SECRET), "{text}");
}

fn event(members: &str) -> Record {
    structured(&format!(
        r#"{{"specversion":"1.0","id":"1","source":"/ci","type":"{DIFF_SUBMITTED}",{members}}}"#
    ))
}

#[test]
fn malformed_headers() {
    let mut key = binary_json("{}");
    key.headers.push(Header { key: Bytes::from_static(b"x\xff"), value: None });
    refuses(&key, "malformed_headers", "key of a header is not UTF-8");

    let mut value = binary_json("{}");
    value.headers[2].value = Some(Bytes::from_static(b"\xff"));
    refuses(&value, "malformed_headers", "`ce_id` is not UTF-8");

    let mut null = binary_json("{}");
    null.headers[2].value = None;
    refuses(&null, "malformed_headers", "`ce_id` has a null value");

    let mut many = binary_json("{}");
    many.headers.resize(257, Header::text("x", ""));
    refuses(&many, "malformed_headers", "257 headers");

    // Headers that are not of CloudEvents may hold anything.
    let mut foreign = binary_json("{}");
    foreign.headers.push(Header { key: Bytes::from_static(b"x"), value: None });
    foreign.headers.push(Header { key: Bytes::from_static(b"x"), value: Some(Bytes::from_static(b"\xff")) });
    assert!(ingest(&foreign).is_ok());
}

#[test]
fn missing_attribute() {
    for name in ["specversion", "id", "source", "type"] {
        refuses(
            &with(binary_json("{}"), &format!("ce_{name}"), None),
            "missing_attribute",
            &format!("`{name}`"),
        );
    }
    refuses(&with(binary_json("{}"), "content-type", None), "missing_attribute", "`datacontenttype`");
    refuses(&structured(r#"{"specversion":"1.0","source":"/ci"}"#), "missing_attribute", "`id`");
    // Bare JSON where the topic does not say what it is.
    let error = on("review.review.v1", &record(&[], b"{}")).unwrap_err();
    assert_eq!(error.reason(), "missing_attribute");
    // Protobuf cannot be bare.
    refuses(&record(&[("content-type", "application/protobuf")], b""), "missing_attribute", "`specversion`");
}

#[test]
fn duplicate_attribute() {
    let mut twice = binary_json("{}");
    twice.headers.push(Header::text("ce_id", "1"));
    refuses(&twice, "duplicate_attribute", "`id`");
    let mut types = binary_json("{}");
    types.headers.push(Header::text("Content-Type", "application/json"));
    refuses(&types, "duplicate_attribute", "`content-type`");
    refuses(&event(r#""id":"2""#), "duplicate_attribute", "`id`");
}

#[test]
fn invalid_attribute() {
    for (name, value, names) in [
        ("ce_specversion", "0.3", "`specversion` is `0.3`"),
        ("ce_id", "", "`id` is empty"),
        ("ce_source", "", "`source` is empty"),
        ("ce_time", "yesterday", "`time` is not an RFC 3339 time"),
        ("ce_time", "", "`time` is not"),
        ("ce_subject", "a\nb", "`subject` has control characters"),
        ("ce_id", &"x".repeat(513), "`id` has 513 bytes, and 512 are allowed"),
        ("ce_anything", &"x".repeat(513), "`anything` has 513 bytes"),
    ] {
        refuses(&with(binary_json("{}"), name, Some(value)), "invalid_attribute", names);
    }
    refuses(&event(r#""subject":{}"#), "invalid_attribute", "`subject`");
    let long = with(binary_json("{}"), "ce_specversion", Some(&format!("{}{SECRET}", "9".repeat(64))));
    refuses(&long, "invalid_attribute", "…");
}

#[test]
fn future_time() {
    let at = |time| with(binary_json("{}"), "ce_time", Some(time));
    assert!(ingest(&at("2026-02-01T12:00:00Z")).is_ok());
    refuses(&at("2026-02-01T12:00:00.000001Z"), "future_time", "24 h");
    // Where the log has no time there is nothing to compare with.
    let mut unstamped = at("2999-01-01T00:00:00Z");
    unstamped.timestamp = septet_contract::Timestamp::default();
    assert!(ingest(&unstamped).is_ok());
    assert!(ingest(&at("0001-01-01T00:00:00Z")).is_ok());
}

#[test]
fn unsupported_content_type() {
    for found in [
        "text/plain",
        "",
        "application/json; charset=latin1",
        "application/cloudevents-batch+json",
        "application/avro",
    ] {
        refuses(
            &with(binary_json("{}"), "content-type", Some(found)),
            "unsupported_content_type",
            &format!("`{found}`"),
        );
    }
    refuses(&record(&[("content-type", "text/plain")], b"{}"), "unsupported_content_type", "`text/plain`");
    refuses(
        &event(r#""datacontenttype":"text/xml","data":"<a/>""#),
        "unsupported_content_type",
        "`text/xml`",
    );
    refuses(
        &event(r#""datacontenttype":"application/cloudevents+json","data_base64":"e30=""#),
        "unsupported_content_type",
        "application/cloudevents+json",
    );
}

#[test]
fn unknown_type_and_wrong_topic() {
    refuses(&with(binary_json("{}"), "ce_type", Some("com.example.x")), "unknown_type", "`com.example.x`");
    // A message that is no event.
    refuses(&with(binary_json("{}"), "ce_type", Some("septet.review.v1.Finding")), "unknown_type", "Finding");
    let pushed = Envelope::of_event(&ChangePushed::default(), "/septet/devops", noon(), &Cause::default());
    refuses(
        &to_record(&pushed),
        "wrong_topic",
        "belongs to the topic devops.change.v1, not to review.diff.ingest.v1",
    );
}

#[test]
fn null_payload() {
    for mut record in [binary_json("{}"), record(&[], b""), structured("{}")] {
        record.value = None;
        refuses(&record, "null_payload", "no value");
    }
    refuses(&event(r#""data":null"#), "null_payload", "no value");
    refuses(&event(r#""subject":"x""#), "null_payload", "no value");
}

#[test]
fn invalid_payload_in_json() {
    for (data, names) in [
        (format!("{{\"repository\": \"{SECRET}"), "line 1"),
        (SECRET.to_owned(), "line 1"),
        (format!("\"{SECRET}\""), "the document"),
        (String::new(), "line 1"),
        ("[]".to_owned(), "the document"),
        ("{} {}".to_owned(), "line 1"),
        (format!("{{\"repository\": [\"{SECRET}\"]}}"), "`repository` must be text"),
        (format!("{{\"nmae\": \"{SECRET}\"}}"), "`nmae` is not a field of septet.review.v1.DiffSubmitted"),
        (format!("{{\"{SECRET} {SECRET}\": 1}}"), "is not a field"),
        (format!("{{\"diff\": \"{SECRET}\", \"diff\": \"\"}}"), "more than once"),
        ("{\"diff\": \"\\ud800\"}".to_owned(), "line 1"),
    ] {
        refuses(&binary_json(&data), "invalid_payload", names);
        refuses(&record(&[], data.as_bytes()), "invalid_payload", names);
    }
    let mut not_utf8 = binary_json("{}");
    not_utf8.value = Some(Bytes::from_static(b"{\"diff\": \"\xff\"}"));
    refuses(&not_utf8, "invalid_payload", "line 1");
}

#[test]
fn invalid_payload_in_protobuf() {
    for (data, names) in [
        // Ends inside a text of ten bytes.
        (&b"\x0a\x0aabc"[..], "septet.review.v1.DiffSubmitted"),
        // Text that is not UTF-8.
        (b"\x0a\x01\xff", "UTF-8"),
        // Field 1 as a number.
        (b"\x08\x01", "wire type"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "DiffSubmitted"),
        (SECRET.as_bytes(), "DiffSubmitted"),
    ] {
        let mut record = with(binary_json(""), "content-type", Some("application/protobuf"));
        record.value = Some(Bytes::copy_from_slice(data));
        refuses(&record, "invalid_payload", names);
    }
}

#[test]
fn invalid_payload_in_structured_events() {
    for (members, names) in [
        (r#""data":{"repository":7}"#, "`data.repository` must be text"),
        (r#""data":{"x":7}"#, "`data.x` is not a field"),
        (r#""data":"AKIAhunter2hunter2""#, "`data` must be an object"),
        (r#""data":{},"data":{}"#, "more than one"),
        (r#""data":{"diff":"AKIAhunter2hunter2","diff":""}"#, "`data.diff` is given more than once"),
        (r#""data":{},"data_base64":"e30=""#, "more than one"),
        (r#""data_base64":"AKIAhunter2hunter2!""#, "not base64"),
        (r#""data_base64":7"#, "base64"),
        (r#""datacontenttype":"application/protobuf","data":"CgE=""#, "`data_base64`"),
        (r#""datacontenttype":"application/protobuf","data_base64":"CgE=""#, "DiffSubmitted"),
        (r#""data_base64":"eyJ4IjoxfQ==""#, "`x` is not a field"),
    ] {
        refuses(&event(members), "invalid_payload", names);
    }
    for (text, names) in [("[]", "JSON object"), ("", "line 1"), ("{\"id\":", "line 1"), ("{}{}", "line 1")] {
        refuses(&structured(text), "invalid_payload", names);
    }
    let many: Vec<_> = (0..300).map(|n| format!("\"a{n}\":1")).collect();
    refuses(&event(&many.join(",")), "invalid_payload", "256 members");
}

#[test]
fn too_large() {
    let limits = Limits { max_bytes: 10, max_depth: 8 };
    let origin = Origin { topic: INGEST, partition: 0, offset: 0 };
    for record in [binary_json("{         }"), record(&[], b"{         }"), event("\"data\":{}")] {
        let error = decode(&record, origin, &catalog(), &limits).unwrap_err();
        assert_eq!(error.reason(), "too_large");
        assert!(error.to_string().contains("10 are allowed"), "{error}");
    }
    assert!(decode(&binary_json("{        }"), origin, &catalog(), &limits).is_ok());
}

#[test]
fn too_deep() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let data = format!("{{\"repository\": {deep}}}");
    refuses(&binary_json(&data), "too_deep", "64");
    refuses(&record(&[], data.as_bytes()), "too_deep", "64");
    refuses(&event(&format!("\"x\":{deep}")), "too_deep", "64");
    // Unknown groups inside each other, 10,000 deep.
    let mut groups = with(binary_json(""), "content-type", Some("application/protobuf"));
    groups.value = Some(Bytes::from([0x7b].repeat(10_000)));
    refuses(&groups, "invalid_payload", "DiffSubmitted");
}

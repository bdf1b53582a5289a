//! Canonical JSON: limits, places named in errors, and that JSON and protobuf hold the same.

mod fixture;

use proptest::prelude::*;
use prost::Message as _;
use septet_contract::cloudevents::{Origin, decode, peek_type};
use septet_contract::json::{JsonError, from_json, message_from_json, message_to_json, to_json};
use septet_contract::{Header, Limits, Message, Record, Timestamp};
use septet_proto_devops::v1::{ChangePushed, RegisterRepositoryRequest};
use septet_proto_review::v1::{Finding, Review, ReviewCompleted, SeverityCount};

fn error<M: Message + std::fmt::Debug>(json: &str) -> String {
    message_from_json::<M>(json.as_bytes(), &Limits::default()).unwrap_err().to_string()
}

#[test]
fn an_error_names_the_place_and_what_belongs_there() {
    for (json, expected) in [
        (
            r#"{"change":{"author":{"nmae":"x"}}}"#,
            "`change.author.nmae` is not a field of septet.devops.v1.Person",
        ),
        (
            r#"{"change":{"files":[{},{"status":"FILE_STATUS_EATEN"}]}}"#,
            "`change.files[1].status` must be the name of a septet.devops.v1.FileStatus",
        ),
        (r#"{"change":{"files":{}}}"#, "`change.files` must be a list"),
        (r#"{"change":{"files":[7]}}"#, "`change.files[0]` must be an object"),
        (r#"{"change":{"parents":["a",1]}}"#, "`change.parents[1]` must be text"),
        (
            r#"{"change":{"filesTotal":-1}}"#,
            "`change.filesTotal` must be an integer of 32 bits, not negative",
        ),
        (
            r#"{"change":{"files_total":1.5}}"#,
            "`change.files_total` must be an integer of 32 bits, not negative",
        ),
        (
            r#"{"diff":{"size":"18446744073709551616"}}"#,
            "`diff.size` must be an integer of 64 bits, not negative, as text or number",
        ),
        (r#"{"diff":{"inline":"***"}}"#, "`diff.inline` must be base64 text"),
        (r#"{"diff":{"complete":"yes"}}"#, "`diff.complete` must be true or false"),
        (
            r#"{"change":{"authoredTime":"noon"}}"#,
            "`change.authoredTime` must be an RFC 3339 time such as \"2026-01-31T12:00:00Z\"",
        ),
        (r#"{"change":{"id":"a","id":"a"}}"#, "`change.id` is given more than once"),
        (
            r#"{"change":{"files":[{},{"linesAdded":1,"lines_added":1}]}}"#,
            "`change.files.lines_added` is given more than once",
        ),
        (r#"{"change":{},"diff":{},"change":null}"#, "`change` is given more than once"),
    ] {
        assert_eq!(error::<ChangePushed>(json), expected, "{json}");
    }
    assert_eq!(
        error::<RegisterRepositoryRequest>(r#"{"last":5,"all":true}"#),
        "`the document` has more than one field of a oneof"
    );
}

#[test]
fn both_spellings_of_a_name_and_of_a_long_number_are_read() {
    let read = |json: &str| message_from_json::<ChangePushed>(json.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(read(r#"{"changeId":"a"}"#), read(r#"{"change_id":"a"}"#));
    assert_eq!(read(r#"{"diff":{"size":5}}"#), read(r#"{"diff":{"size":"5"}}"#));
    assert_eq!(read(r#"{"change":null}"#), ChangePushed::default());
    assert_eq!(
        read(r#"{"change":{"files":[{"status":4}]}}"#),
        read(r#"{"change":{"files":[{"status":"FILE_STATUS_RENAMED"}]}}"#)
    );
}

#[test]
fn limits_are_exact_and_brackets_in_text_are_text() {
    let descriptor = ChangePushed::descriptor();
    let limits = Limits { max_bytes: 34, max_depth: 2 };
    let check = |json: &str| from_json(&descriptor, json.as_bytes(), &limits);
    assert!(check(r#"{"change":{"subject":"[[[[{{\"["}}"#).is_ok());
    assert_eq!(check(&" ".repeat(35)), Err(JsonError::TooLarge { size: 35, limit: 34 }));
    assert_eq!(check(r#"{"change":{"author":{}}}"#), Err(JsonError::TooDeep { limit: 2 }));
    // A quote in text ends nothing, and what follows the text counts again.
    let wide = Limits { max_bytes: 100, max_depth: 2 };
    let escaped = br#"{"change":{"subject":"\"","author":{}}}"#;
    assert_eq!(from_json(&descriptor, escaped, &wide), Err(JsonError::TooDeep { limit: 2 }));
    // Side by side is not inside.
    assert!(check(r#"{"change":{},"diff":{}}"#).is_ok());
}

#[test]
fn what_json_cannot_say_is_an_error_and_not_a_wrong_value() {
    let time = prost_types::Timestamp { seconds: i64::MAX, nanos: 0 };
    let review = Review { time: Some(time), ..Default::default() };
    assert_eq!(
        message_to_json(&review),
        Err(JsonError::NotRepresentable { message: "septet.review.v1.Review".to_owned() })
    );
}

prop_compose! {
    fn finding()(
        file in any::<String>(), line: u32, excerpt in any::<String>(), severity in -3..9_i32,
    ) -> Finding {
        Finding { file, line, excerpt, severity, ..Default::default() }
    }
}

prop_compose! {
    fn completed()(
        change_id in any::<String>(),
        findings in prop::collection::vec(finding(), 0..4),
        verdict: i32,
        counts in prop::collection::vec((any::<i32>(), any::<u32>()), 0..3),
        micros in prop::option::of(-62_135_596_800_000_000..=253_402_300_799_999_999_i64),
        findings_total: u32,
    ) -> ReviewCompleted {
        let review = Review {
            verdict,
            counts: counts.into_iter().map(|(severity, count)| SeverityCount { severity, count }).collect(),
            time: micros.map(|micros| Timestamp::from_micros(micros).into()),
            ..Default::default()
        };
        ReviewCompleted { change_id, review: Some(review), findings, findings_total }
    }
}

proptest! {
    #[test]
    fn json_and_protobuf_hold_the_same(message in completed()) {
        let bytes = message.encode_to_vec();
        let descriptor = ReviewCompleted::descriptor();
        let json = to_json(&descriptor, &bytes).unwrap();
        prop_assert_eq!(&message_to_json(&message).unwrap(), &json);
        let back = from_json(&descriptor, json.to_string().as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(ReviewCompleted::decode(back).unwrap(), message);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        value in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
        content_type in prop::sample::select(vec![
            "application/protobuf", "application/json", "application/cloudevents+json", "",
        ]),
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..3),
        attributes: bool,
    ) {
        let mut headers: Vec<_> =
            keys.into_iter().map(|key| Header { key: key.into(), value: None }).collect();
        headers.push(Header::text("content-type", content_type));
        if attributes {
            for (name, text) in [("specversion", "1.0"), ("id", "1"), ("source", "/x"), ("type", ReviewCompleted::TYPE)] {
                headers.push(Header::text(&format!("ce_{name}"), text));
            }
        }
        let record = Record { headers, value: value.map(Into::into), ..Default::default() };
        let origin = Origin { topic: "review.review.v1", partition: 0, offset: 0 };
        let catalog = fixture::catalog();
        let _ = peek_type(&record);
        if let Ok(envelope) = decode(&record, origin, &catalog, &Limits::default()) {
            // What was accepted can be read by the generated type.
            prop_assert!(ReviewCompleted::decode(envelope.data.clone()).is_ok());
            let _ = to_json(&ReviewCompleted::descriptor(), &envelope.data);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]{}\":,a-z0-9\\\\ ]{0,60}") {
        let _ = from_json(&ChangePushed::descriptor(), text.as_bytes(), &Limits::default());
        let _ = fixture::ingest(&fixture::structured(&text));
    }
}

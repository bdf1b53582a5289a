//! Each form that a record may have, and the one envelope that comes of it.

mod fixture;

use bytes::Bytes;
use fixture::{DIFF_SUBMITTED, binary_json, catalog, from_hex, ingest, noon, on, record, structured, with};
use prost::Message as _;
use septet_contract::cloudevents::{decode_job, peek_type, to_record, to_structured_json};
use septet_contract::{Cause, Envelope, Header, Limits, Message as _, Record, Timestamp};
use septet_proto_devops::v1::{ChangePushed, ImportCommits};
use septet_proto_review::v1::DiffSubmitted;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn pushed() -> Envelope {
    let event = ChangePushed { change_id: "c-1".to_owned(), ..Default::default() };
    let cause = Cause {
        id: Some("r-1".to_owned()),
        correlation_id: Some("k-1".to_owned()),
        traceparent: Some(TRACE.to_owned()),
    };
    Envelope::of_event(&event, "/septet/devops", noon(), &cause)
}

#[test]
fn what_is_written_is_read_again() {
    let envelope = pushed();
    let record = to_record(&envelope);
    let text = |name| std::str::from_utf8(record.header(name).unwrap()).unwrap().to_owned();
    assert_eq!(text("content-type"), "application/protobuf");
    assert_eq!(text("ce_specversion"), "1.0");
    assert_eq!(text("ce_type"), "septet.devops.v1.ChangePushed");
    assert_eq!(text("ce_time"), "2026-01-31T12:00:00.000000Z");
    assert_eq!(text("ce_partitionkey"), "c-1");
    assert_eq!(text("traceparent"), TRACE);
    assert_eq!((record.key.as_deref(), record.timestamp), (Some(&b"c-1"[..]), Timestamp::default()));
    assert_eq!(on("devops.change.v1", &record).unwrap(), envelope);
}

#[test]
fn structured_json_is_read_again_and_stays_the_same_event() {
    let envelope = pushed();
    let json = to_structured_json(&envelope, &catalog()).unwrap();
    assert_eq!(json["data"]["changeId"], "c-1");
    assert_eq!(json["datacontenttype"], "application/json");
    assert!(json.get("dataschema").is_none());
    assert_eq!(on("devops.change.v1", &structured(&json.to_string())).unwrap(), envelope);
}

#[test]
fn records_of_the_cloudevents_sdk_for_python_are_one_event_in_every_form() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("data/cloudevents-sdk.json")).unwrap();
    let golden = from_hex(include_str!("golden/septet.review.v1.DiffSubmitted.hex"));
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let mut record = record(&[], &from_hex(case["value_hex"].as_str().unwrap()));
        for (name, value) in case["headers"].as_object().unwrap() {
            record.headers.push(Header::text(name, value.as_str().unwrap()));
        }
        let envelope = ingest(&record).unwrap_or_else(|error| panic!("{}: {error}", case["form"]));
        assert_eq!(
            envelope,
            Envelope {
                id: "a-1".to_owned(),
                source: "https://example.org/ci".to_owned(),
                r#type: DIFF_SUBMITTED.to_owned(),
                subject: Some("demo".to_owned()),
                time: Timestamp::from_micros(noon().micros() + 250_000),
                partition_key: Some("demo".to_owned()),
                traceparent: None,
                correlation_id: Some("run-7".to_owned()),
                causation_id: None,
                data: Bytes::from(golden.clone()),
            },
            "{}",
            case["form"]
        );
    }
}

#[test]
fn bare_json_on_an_ingest_topic_gets_its_identity_from_its_place() {
    for headers in [&[][..], &[("content-type", "application/json; charset=utf-8")], &[("x-trace", "1")]] {
        let record = record(headers, br#" {"repository": "demo", "diff": "x"}"#);
        let envelope = ingest(&record).unwrap();
        assert_eq!(envelope.id, "review.diff.ingest.v1/3/42");
        assert_eq!(envelope.source, "/kafka/review.diff.ingest.v1");
        assert_eq!(envelope.r#type, DIFF_SUBMITTED);
        assert_eq!((envelope.time, envelope.partition_key.as_deref()), (noon(), Some("demo")));
        let event = DiffSubmitted::decode(envelope.data).unwrap();
        assert_eq!((event.repository.as_str(), event.diff.as_str()), ("demo", "x"));
    }
}

#[test]
fn content_types_are_compared_as_media_types() {
    let json = binary_json(r#"{"repository": "demo"}"#);
    for good in ["Application/JSON", "application/json;charset=UTF-8", "application/json; charset=\"utf-8\""]
    {
        assert!(ingest(&with(json.clone(), "content-type", Some(good))).is_ok(), "{good}");
    }
    let mut upper = with(json.clone(), "content-type", None);
    upper.headers.push(Header::text("Content-Type", "application/json"));
    assert!(ingest(&upper).is_ok());

    let data = DiffSubmitted { repository: "demo".to_owned(), ..Default::default() }.encode_to_vec();
    let mut protobuf = with(json, "content-type", Some("application/x-protobuf"));
    protobuf.value = Some(data.clone().into());
    assert_eq!(ingest(&protobuf).unwrap().data, data);
}

#[test]
fn what_is_optional_may_be_absent_empty_or_null() {
    let mut bare = with(binary_json("{}"), "ce_subject", Some(""));
    bare.key = None;
    let envelope = ingest(&bare).unwrap();
    assert_eq!((envelope.subject, envelope.partition_key, envelope.time), (None, None, noon()));

    let event = r#"{"specversion":"1.0","id":"1","source":"/ci","type":"septet.review.v1.DiffSubmitted",
        "subject":null,"sequence":7,"final":true,"data":{}}"#;
    assert!(ingest(&structured(event)).unwrap().data.is_empty());
}

#[test]
fn the_key_of_the_record_counts_on_ingest_topics_only() {
    assert_eq!(ingest(&binary_json("{}")).unwrap().partition_key.as_deref(), Some("demo"));
    let mut record = with(to_record(&pushed()), "ce_partitionkey", None);
    record.key = Some(Bytes::from_static(b"other"));
    assert_eq!(on("devops.change.v1", &record).unwrap().partition_key, None);
}

#[test]
fn the_attributes_of_a_structured_event_may_follow_its_data() {
    let event = r#"{"data":{"repository":"demo"},"type":"septet.review.v1.DiffSubmitted","source":"/ci","id":"1","specversion":"1.0"}"#;
    // Headers that repeat or contradict the event itself do not count.
    let record = with(structured(event), "ce_id", Some("other"));
    let envelope = ingest(&record).unwrap();
    assert_eq!(envelope.id, "1");
    assert_eq!(DiffSubmitted::decode(envelope.data).unwrap().repository, "demo");
}

#[test]
fn a_trace_is_taken_from_either_place_and_dropped_if_it_is_none() {
    let json = binary_json("{}");
    let trace = |record: &Record| ingest(record).unwrap().traceparent;
    assert_eq!(trace(&with(json.clone(), "traceparent", Some(TRACE))).as_deref(), Some(TRACE));
    assert_eq!(trace(&with(json.clone(), "ce_traceparent", Some(TRACE))).as_deref(), Some(TRACE));
    for bad in ["", "1", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", &TRACE.to_uppercase()] {
        assert_eq!(trace(&with(json.clone(), "traceparent", Some(bad))), None, "{bad}");
    }
}

#[test]
fn unknown_enum_numbers_and_fields_in_protobuf_are_kept() {
    // ReviewCompleted { review: { verdict: 77 } } and field 200, which nobody knows.
    let data = from_hex("12 02 28 4d c2 0c 01 78".replace(' ', "").as_str());
    let record = record(
        &[
            ("content-type", "application/protobuf"),
            ("ce_specversion", "1.0"),
            ("ce_id", "1"),
            ("ce_source", "/septet/review"),
            ("ce_type", "septet.review.v1.ReviewCompleted"),
        ],
        &data,
    );
    let envelope = on("review.review.v1", &record).unwrap();
    assert_eq!(envelope.data, data);
    let json = to_structured_json(&envelope, &catalog()).unwrap();
    assert_eq!(json["data"], serde_json::json!({ "review": { "verdict": 77 } }));
}

#[test]
fn the_examples_of_the_kafka_binding_specification() {
    // Section 3.2.5 with data that we can read and a type of ours.
    let binary = record(
        &[
            ("ce_specversion", "1.0"),
            ("ce_type", DIFF_SUBMITTED),
            ("ce_source", "/mycontext/subcontext"),
            ("ce_id", "1234-1234-1234"),
            ("ce_time", "2018-04-05T03:56:24Z"),
            ("content-type", "application/json"),
            ("ce_comexampleextension1", "value"),
            ("ce_comexampleothervalue", "5"),
        ],
        b"{}",
    );
    let envelope = ingest(&binary).unwrap();
    assert_eq!((envelope.id.as_str(), envelope.source.as_str()), ("1234-1234-1234", "/mycontext/subcontext"));
    assert_eq!(envelope.time, Timestamp::parse_rfc3339("2018-04-05T03:56:24Z").unwrap());
    // Word for word they are read up to what only their authors know.
    let theirs = with(binary.clone(), "ce_type", Some("com.example.someevent"));
    assert_eq!(ingest(&theirs).unwrap_err().reason(), "unknown_type");
    let avro = with(binary, "content-type", Some("application/avro"));
    assert_eq!(ingest(&avro).unwrap_err().reason(), "unsupported_content_type");
    // Section 3.3.4.
    let event = r#"{"specversion":"1.0","type":"septet.review.v1.DiffSubmitted","source":"/mycontext/subcontext",
        "id":"1234-1234-1234","time":"2018-04-05T03:56:24Z","datacontenttype":"application/json",
        "comexampleextension1":"value","comexampleothervalue":5,"data":{}}"#;
    let record = record(&[("content-type", "application/cloudevents+json; charset=UTF-8")], event.as_bytes());
    assert_eq!(ingest(&record).unwrap(), envelope);
}

#[test]
fn a_job_travels_the_same_way() {
    let job = ImportCommits { repository_id: "r-1".to_owned() };
    let envelope = Envelope::of_job(&job, "/septet/devops", noon(), &Cause::default());
    let record = to_record(&envelope);
    assert_eq!(record.key, None);
    assert_eq!(decode_job(&record, &catalog(), &Limits::default()).unwrap(), envelope);
    // An event is no job, and a job is no event.
    let event = to_record(&pushed());
    assert_eq!(decode_job(&event, &catalog(), &Limits::default()).unwrap_err().reason(), "unknown_type");
    assert_eq!(ingest(&record).unwrap_err().reason(), "unknown_type");
}

#[test]
fn peek_tells_the_type_of_binary_records_only() {
    assert_eq!(peek_type(&to_record(&pushed())).as_deref(), Some(ChangePushed::TYPE));
    assert_eq!(peek_type(&record(&[], b"{}")), None);
    let structured = with(structured("{}"), "ce_type", Some(ChangePushed::TYPE));
    assert_eq!(peek_type(&structured), None);
    let mut twice = binary_json("{}");
    twice.headers.push(Header::text("ce_type", "x"));
    assert_eq!(peek_type(&twice), None);
    let mut null = binary_json("{}");
    null.headers.iter_mut().for_each(|header| header.value = None);
    assert_eq!(peek_type(&null), None);
}

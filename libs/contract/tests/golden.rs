//! Bytes and JSON of every event and job as another implementation wrote them, see `data/generate.py`. What was released
//! must stay readable, so files in `golden/` are added and never changed.

mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use fixture::{catalog, from_hex};
use septet_contract::json::{from_json, message_from_json, message_to_json, to_json};
use septet_contract::{Limits, Message};

fn golden(name: &str, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.{extension}"))
}

fn read(name: &str, extension: &str) -> String {
    let path = golden(name, extension);
    fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; write it with libs/contract/tests/data/generate.py", path.display())
    })
}

#[test]
fn every_event_and_job_has_golden_bytes_that_equal_its_golden_json() {
    let catalog = catalog();
    let events = catalog.events().map(|event| event.r#type);
    let mut seen = 0;
    for name in events.chain(catalog.jobs().map(|job| job.r#type)) {
        let bytes = from_hex(&read(name, "hex"));
        let json = read(name, "json");
        let descriptor = catalog.message(name).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(to_json(&descriptor, &bytes).unwrap(), expected, "{name}");
        assert_eq!(from_json(&descriptor, json.as_bytes(), &Limits::default()).unwrap(), bytes, "{name}");
        seen += 1;
    }
    assert!(seen >= 26, "{seen} events and jobs");
}

fn typed<M: Message + PartialEq>() -> M {
    let bytes = from_hex(&read(M::TYPE, "hex"));
    let message = M::decode(bytes.as_slice()).unwrap();
    assert_eq!(message.encode_to_vec(), bytes, "{}", M::TYPE);
    let json = message_to_json(&message).unwrap().to_string();
    assert!(message_from_json::<M>(json.as_bytes(), &Limits::default()).unwrap() == message, "{}", M::TYPE);
    assert_eq!(M::descriptor().full_name(), M::full_name());
    message
}

#[test]
fn generated_types_read_and_write_the_golden_bytes() {
    use septet_proto_common::v1::{Severity, Verdict};
    use septet_proto_devops::v1::{ChangePushed, FileStatus, ImportCommits};
    use septet_proto_review::v1::{DiffSubmitted, ReviewCompleted};

    let pushed = typed::<ChangePushed>();
    let change = pushed.change.unwrap();
    assert_eq!(change.subject, "Läuft 🚀");
    assert_eq!(change.r#ref, "refs/heads/main");
    assert_eq!(change.files[1].status(), FileStatus::Renamed);
    assert_eq!(change.committed_time.unwrap().nanos, 500_000_000);
    let diff = pushed.diff.unwrap();
    assert_eq!((diff.size, &diff.inline[..]), (9_007_199_254_740_993, &b"--- a\n+++ b\n\x00\xff"[..]));

    let completed = typed::<ReviewCompleted>();
    let review = completed.review.unwrap();
    assert_eq!((review.verdict(), review.lines_scanned), (Verdict::Failed, u32::MAX));
    assert_eq!(completed.findings[0].severity(), Severity::Critical);

    assert!(typed::<DiffSubmitted>().diff.ends_with("\"quoted\" \u{2028}\n"));
    assert!(!typed::<ImportCommits>().repository_id.is_empty());
}

#[test]
fn generated_roles_come_from_the_options() {
    use septet_contract::{Event, Job};
    use septet_proto_devops::v1::{ChangePushed, ImportCommits};

    let event = ChangePushed { change_id: "c-1".to_owned(), ..Default::default() };
    assert_eq!((ChangePushed::TOPIC, event.key().as_ref()), ("devops.change.v1", "c-1"));
    assert_eq!((ImportCommits::QUEUE, ImportCommits::MAX_ATTEMPTS), ("devops.import", 8));
    let topics = catalog().topics();
    let topic = topics[fixture::INGEST];
    assert!(topic.ingest);
    assert_eq!((topic.partitions, topic.retention_hours), (12, 168));
    let rpc = |path: &str| septet_proto_review::CONTRACT.rpcs.iter().find(|rpc| rpc.path == path).unwrap();
    let get = rpc("/septet.review.v1.ReviewService/GetReview");
    assert_eq!((get.roles, get.read_only), (&["viewer", "developer", "operator", "service"][..], true));
    assert!(!rpc("/septet.review.v1.ReviewService/ReviewDiff").read_only);
}

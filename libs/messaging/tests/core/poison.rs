//! Records that cannot be read go to the dead letters at once, and hold up nothing.

use bytes::Bytes;
use prost::Message as _;
use septet_contract::{Event, Header, Message, Record};
use septet_messaging::{dead_letter_topic, log::embedded::EmbeddedLog};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::DiffSubmitted;

use crate::fixture::{Fixture, on_each_engine, record, record_of};

on_each_engine! {
    each_class_has_its_reason_and_neighbours_go_on
    what_no_log_takes_is_told_without_it
    a_place_that_is_used_again_is_another_record
    a_producer_cannot_pass_for_a_redrive
}

fn without(name: &str, mut record: Record) -> Record {
    record.headers.retain(|header| header.key != name.as_bytes());
    record
}

fn with(name: &str, value: &str, record: Record) -> Record {
    let mut record = without(name, record);
    record.headers.push(Header::text(name, value));
    record
}

async fn each_class_has_its_reason_and_neighbours_go_on(of: Fixture) {
    let mut not_text = record("x");
    not_text.headers.push(Header { key: Bytes::from_static(b"\xff\xfe"), value: Some(Bytes::new()) });
    let mut null_header = without("ce_source", record("x"));
    null_header.headers.push(Header { key: Bytes::from_static(b"ce_source"), value: None });
    let poison = [
        ("malformed_headers", not_text),
        ("malformed_headers", null_header),
        ("missing_attribute", without("ce_id", record("x"))),
        ("invalid_attribute", with("ce_id", &"i".repeat(2_000), record("x"))),
        ("invalid_attribute", with("ce_specversion", "0.3", record("x"))),
        ("unknown_type", with("ce_type", "septet.nobody.v1.Thing", record("x"))),
        ("wrong_topic", with("ce_type", DiffSubmitted::TYPE, record("x"))),
        ("null_payload", Record { value: None, ..record("x") }),
        ("invalid_payload", Record { value: Some(Bytes::from_static(b"\xff\xff\xff")), ..record("x") }),
        ("too_large", Record { value: Some(Bytes::from(vec![0; 2 << 20])), ..record("x") }),
        ("unsupported_content_type", with("content-type", "text/html", record("x"))),
    ];
    // One key, so that each stands between two good ones.
    let mut records = vec![record_of(&crate::fixture::pushed("x", "first"))];
    for (number, (_, poison)) in poison.iter().enumerate() {
        records.push(poison.clone());
        records.push(record_of(&crate::fixture::pushed("x", &format!("after {number}"))));
    }
    of.append(ChangePushed::TOPIC, records).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    let letters = of.open_letters(0).await;
    let reasons: Vec<_> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    let expected: Vec<_> = poison.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(reasons, expected);
    for (letter, (_, poison)) in letters.iter().zip(&poison) {
        assert_eq!((&letter.record.headers, &letter.record.value), (&poison.headers, &poison.value));
        assert_eq!(letter.attempts, 1);
        assert!(!letter.error.is_empty() && !letter.error.contains('\n'), "{}", letter.error);
    }
    let names = (0..poison.len()).map(|number| format!("after {number}"));
    assert_eq!(of.effects().await, std::iter::once("first".to_owned()).chain(names).collect::<Vec<_>>());
    assert_eq!(of.records(&dead_letter_topic("review")).await.len(), poison.len());
}

async fn what_no_log_takes_is_told_without_it(of: Fixture) {
    let mut not_text = record("x");
    not_text.headers.push(Header { key: Bytes::from_static(b"\xff"), value: None });
    let large = Record { value: Some(Bytes::from(vec![0; 7 << 20])), ..record("x") };
    let wide = Record { headers: vec![Header::text("x", "y".repeat(1 << 20)); 2], ..record("x") };
    of.append(ChangePushed::TOPIC, [not_text.clone(), large.clone(), wide]).await;
    let running = of.start();
    let letters = of.open_letters(3).await;
    of.idle().await;
    assert_eq!(letters[0].record.headers, not_text.headers, "the database has the whole");
    assert_eq!(letters[1].record.value, large.value, "the database has the whole");
    let told = of.records(&dead_letter_topic("review")).await;
    let omitted = |record: &Record| -> Vec<String> {
        let of_it = record.headers.iter().filter(|header| header.key == "septet_omitted");
        of_it
            .map(|header| String::from_utf8_lossy(header.value.as_ref().expect("a value")).into_owned())
            .collect()
    };
    assert_eq!(
        told.iter().map(omitted).collect::<Vec<_>>(),
        [vec!["headers"], vec!["value"], vec!["value", "headers"]]
    );
    for record in &told {
        assert!(record.size() <= 1_000_000, "Kafka's default limit: {}", record.size());
        assert!(record.headers.iter().all(|header| std::str::from_utf8(&header.key).is_ok()));
        assert_eq!(record.key.as_deref(), Some(&b"x"[..]));
    }
    // As large as it is, it would only be refused once more; smaller, it is taken.
    let again = of.letters().redrive(&letters[1].id, None, false, "ann").await.expect_err("too large");
    assert!(!again.is_transient() && again.to_string().contains("7340"), "{again}");
    let mended = Bytes::from(crate::fixture::pushed("x", "mended").encode_to_vec());
    let redriven = of.letters().redrive(&letters[1].id, Some(mended), false, "ann").await;
    redriven.expect("asked").expect("it is open");
    // Without the header that made it unreadable it is what it was.
    of.letters().redrive(&letters[0].id, None, false, "ann").await.expect("asked").expect("it is open");
    of.effects_of(2).await;
    of.idle().await;
    running.drain().await;
}

async fn a_place_that_is_used_again_is_another_record(of: Fixture) {
    let garbage = || Record { value: Some(Bytes::from_static(b"\xff")), ..record("x") };
    of.append(ChangePushed::TOPIC, [garbage()]).await;
    let running = of.start();
    of.open_letters(1).await;
    running.drain().await;
    // The log was moved away, as its own error message advises, and begins at offset 0 again.
    of.log.close().await;
    std::fs::create_dir(of.workspace.path().join("new")).expect("a directory");
    let new = EmbeddedLog::open(&of.workspace.path().join("new"), Default::default()).await;
    let of = Fixture { log: new.expect("a new log"), ..of };
    of.log.apply_topics(&crate::fixture::topics("review")).await.expect("topics");
    of.append(ChangePushed::TOPIC, [garbage()]).await;
    let running = of.start();
    assert_eq!(of.open_letters(2).await.len(), 2);
    running.drain().await;
}

async fn a_producer_cannot_pass_for_a_redrive(of: Fixture) {
    let redriven = |topic: &str| {
        [Header::text("septet_redrive_id", "guessed"), Header::text("septet_topic", topic.to_owned())]
    };
    // A bare object on an ingest topic that claims to come from a topic it could not be written to.
    let bare = |commit: &str| Record {
        headers: redriven(ChangePushed::TOPIC).to_vec(),
        value: Some(Bytes::from(format!(r#"{{"repository": "r", "commit": "{commit}"}}"#))),
        ..Record::default()
    };
    // The second has the identity that the first was let in under, if that is believed.
    of.append(DiffSubmitted::TOPIC, [bare("one"), bare("two")]).await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    let mut effects = of.effects().await;
    effects.sort();
    assert_eq!(effects, ["one", "two"]);
    assert!(of.open_letters(0).await.is_empty());
}

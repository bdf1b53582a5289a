//! What goes in and how it comes out.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use septet_contract::{Header, Record, Timestamp};
use septet_messaging::log::{LogError, murmur2_partition};

use super::{
    LogFixture,
    steps::{Member, append, assert_unknown, fetch, into, record, text, topic},
};
use crate::conformance::unique;

/// Records of one key share a partition, in which they stand in the order in which they were appended.
pub async fn appends_keep_their_order_per_key(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 3).await;
    let mut seen: BTreeMap<String, Vec<(i32, i64)>> = BTreeMap::new();
    for round in 0..20 {
        let keys: Vec<String> = (0..7).map(|key| format!("key-{key}")).collect();
        let records = keys.iter().map(|key| record(key, format!("{key}/{round}"))).collect();
        for (key, at) in keys.iter().zip(append(&*log, &topic, records).await) {
            seen.entry(key.clone()).or_default().push((at.partition, at.offset));
        }
    }
    for (key, positions) in &seen {
        assert!(positions.is_sorted_by(|a, b| a.0 == b.0 && a.1 < b.1), "{key}: {positions:?}");
    }
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(3).await;
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((_, number), partition) in &mut member.partitions {
        let count = seen.values().flatten().filter(|at| at.0 == *number).count();
        for fetched in fetch(&mut **partition, count).await {
            let value = text(&fetched);
            let key = value.split('/').next().expect("a key").to_owned();
            values.entry(key).or_default().push(value);
        }
    }
    for (key, values) in values {
        let expected: Vec<String> = (0..20).map(|round| format!("{key}/{round}")).collect();
        assert_eq!(values, expected, "{key} out of order");
    }
    member.leave().await;
    log.close().await;
}

/// A key's partition is Kafka's, so that it stays the same when a topic moves to another backend.
pub async fn keys_reach_every_partition_by_murmur2(fixture: &dyn LogFixture) {
    // Computed with Apache Kafka's `Utils.toPositive(Utils.murmur2(key)) % 12`, of which the hashes are the vectors of
    // its `UtilsTest`: the oracle for the function that the rest of this case goes by.
    for (key, hash) in [("21", -973_932_308_i32), ("foobar", -790_332_482), ("abc", 479_470_107)] {
        assert_eq!(murmur2_partition(key.as_bytes(), 12), (hash & i32::MAX) % 12, "{key}");
    }
    let log = fixture.open().await;
    let topic = topic(&*log, 12).await;
    let keys: Vec<String> = (0..200).map(|key| format!("entity-{key}")).collect();
    let positions = append(&*log, &topic, keys.iter().map(|key| record(key, "x")).collect()).await;
    for (key, at) in keys.iter().zip(&positions) {
        assert_eq!(at.partition, murmur2_partition(key.as_bytes(), 12), "{key}");
    }
    let used: BTreeSet<i32> = positions.iter().map(|at| at.partition).collect();
    assert_eq!(used, (0..12).collect(), "every partition is used");
    log.close().await;
}

/// Key, headers and value survive, null and empty ones too, and the log sets the time.
pub async fn records_come_back_as_they_were(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let before = Timestamp::now().before(std::time::Duration::from_secs(5));
    let header = |key: &'static str, value: Option<&'static [u8]>| Header {
        key: Bytes::from_static(key.as_bytes()),
        value: value.map(Bytes::from_static),
    };
    let records = vec![
        record("plain", "value"),
        Record { key: Some(Bytes::from_static(b"\xff\x00\xfe")), ..record("", "binary key") },
        Record { value: None, ..record("tombstone", "") },
        record("empty value", ""),
        Record { key: None, ..record("", "no key") },
        record("", "empty key"),
        Record {
            headers: vec![
                header("a", Some(b"1")),
                header("null", None),
                header("empty", Some(b"")),
                header("a", Some(b"2")),
                header("binary", Some(b"\x00\xff")),
            ],
            ..record("headers", "repeated, null, empty, binary")
        },
    ];
    append(&*log, &topic, records.clone()).await;
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    let fetched = fetch(&mut **member.only(), records.len()).await;
    for (sent, got) in records.iter().zip(&fetched) {
        assert!(got.record.timestamp >= before, "the log sets the time, not {}", got.record.timestamp);
        assert_eq!(&Record { timestamp: sent.timestamp, ..got.record.clone() }, sent);
    }
    member.leave().await;
    log.close().await;
}

/// A topic that was never created is an error by name, alone in its call.
pub async fn unknown_topic_is_refused(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let known = topic(&*log, 1).await;
    let unknown = unique("unknown");
    let results = log
        .append(vec![
            into(&known, record("a", "1")),
            into(&unknown, record("a", "2")),
            into(&known, record("a", "3")),
        ])
        .await;
    assert!(results[0].is_ok() && results[2].is_ok(), "the others are appended: {results:?}");
    assert_unknown(&results[1], &unknown);
    assert_unknown(&log.subscribe(&unique("group"), std::slice::from_ref(&unknown)).await, &unknown);
    log.close().await;
}

/// Kafka does not promise that a header's key is text, so neither does a log.
pub async fn header_keys_need_not_be_text(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let sent = Record {
        headers: vec![Header { key: Bytes::from_static(b"\xff\xfe"), value: Some(Bytes::from_static(b"1")) }],
        ..record("k", "v")
    };
    append(&*log, &topic, vec![sent.clone()]).await;
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    let fetched = fetch(&mut **member.only(), 1).await.remove(0);
    assert_eq!(fetched.record.headers, sent.headers);
    member.leave().await;
    log.close().await;
}

/// A record just within the limit survives; one that is twice as large is refused by its size.
pub async fn large_records_are_taken_up_to_the_limit(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let limit = fixture.record_limit();
    let large: String = (0..limit - 1024).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    append(&*log, &topic, vec![record("k", large.clone())]).await;
    let refused = log.append(vec![into(&topic, record("k", large.repeat(2)))]).await;
    assert!(matches!(refused[..], [Err(LogError::TooLarge { .. })]), "{refused:?}");
    append(&*log, &topic, vec![record("k", "small")]).await;

    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    let fetched = fetch(&mut **member.only(), 2).await;
    assert!(text(&fetched[0]) == large, "the large record is whole");
    assert_eq!(text(&fetched[1]), "small");
    member.leave().await;
    log.close().await;
}

/// Where a record fails, later ones of its key in the same call fail too, and those of other keys do not.
pub async fn a_refused_record_holds_back_its_key(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    assert!(log.append(Vec::new()).await.is_empty(), "nothing to append, nothing to tell");
    let too_large = "x".repeat(fixture.record_limit() * 2);
    let results = log
        .append(vec![
            into(&topic, record("held", "before")),
            into(&topic, record("held", too_large)),
            into(&topic, record("held", "after")),
            into(&topic, record("free", "after")),
        ])
        .await;
    let went: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, false, false, true], "{results:?}");
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    let values: Vec<String> = fetch(&mut **member.only(), 2).await.iter().map(text).collect();
    assert_eq!(values, ["before", "after"]);
    member.leave().await;
    log.close().await;
}

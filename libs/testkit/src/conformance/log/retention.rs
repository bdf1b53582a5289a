//! What is removed, and what becomes of those who had not read it. Backends that remove only after minutes declare an
//! exception.

use std::time::Duration;

use septet_messaging::log::{KeptRange, Log, TopicSettings};

use super::{
    LogFixture,
    steps::{Member, append, fetch, record, settings, text},
};
use crate::{conformance::unique, eventually};

async fn kept(log: &dyn Log, topic: &str) -> KeptRange {
    let topics = log.topics().await.expect("topics");
    topics.into_iter().find(|state| state.name == topic).expect("the topic").partitions[0]
}

/// Records older than the topic's retention go; a group that had not read them goes on with what is left.
pub async fn old_records_are_removed(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let name = unique("topic");
    let keep = |retention| TopicSettings { retention, ..settings(&name, 1) };
    log.apply_topics(&[keep(Duration::from_secs(3600))]).await.expect("created");
    let group = unique("group");
    append(&*log, &name, (0..10).map(|n| record("k", n.to_string())).collect()).await;
    let mut member = Member::join(&log, &group, &name).await;
    member.until_it_has(1).await;
    fetch(&mut **member.only(), 2).await;
    assert_eq!(kept(&*log, &name).await, KeptRange { start: 0, end: 10 });

    log.apply_topics(&[keep(Duration::from_millis(1))]).await.expect("the retention is changed");
    eventually("the records to go", async || (kept(&*log, &name).await.start == 10).then_some(())).await;
    log.apply_topics(&[keep(Duration::from_secs(3600))]).await.expect("the retention is changed back");
    let next = append(&*log, &name, vec![record("k", "kept")]).await;
    assert_eq!(next[0].offset, 10, "offsets are not given twice");
    assert_eq!(text(&fetch(&mut **member.only(), 1).await[0]), "kept");
    member.leave().await;
    log.close().await;
}

/// Beyond the topic's bytes the oldest records go, and only those.
pub async fn surplus_records_are_removed(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let name = unique("topic");
    let bounded = TopicSettings { retention_bytes: Some(20_000), ..settings(&name, 1) };
    log.apply_topics(&[bounded]).await.expect("created");
    let values: Vec<String> = (0..100).map(|n| format!("{n:01000}")).collect();
    append(&*log, &name, values.iter().map(|value| record("k", value.clone())).collect()).await;
    let start = eventually("the surplus to go", async || {
        let range = kept(&*log, &name).await;
        (range.start >= 80).then_some(range.start)
    })
    .await;
    assert!(start < 90, "no more than needed went: {start}");
    let mut member = Member::join(&log, &unique("group"), &name).await;
    member.until_it_has(1).await;
    let left: Vec<String> =
        fetch(&mut **member.only(), (100 - start) as usize).await.iter().map(text).collect();
    assert_eq!(left, values[start as usize..]);
    member.leave().await;
    log.close().await;
}

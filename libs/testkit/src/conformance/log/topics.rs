//! Topics as they are made, widened and told.

use septet_messaging::log::{AppliedTopics, KeptRange, LogError, TopicSettings};

use super::{
    LogFixture,
    steps::{Member, append, record, settings, topic},
};
use crate::{conformance::unique, eventually};

/// Applying the same settings again does nothing; more partitions widen, fewer do not narrow.
pub async fn topics_are_created_once_and_only_widened(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let name = unique("topic");
    let apply = async |partitions| log.apply_topics(&[settings(&name, partitions)]).await.expect("applied");
    let created = AppliedTopics { created: vec![name.clone()], ..AppliedTopics::default() };
    let widened = AppliedTopics { widened: vec![name.clone()], ..AppliedTopics::default() };
    assert_eq!(apply(2).await, created);
    assert_eq!(apply(2).await, AppliedTopics::default());
    assert_eq!(apply(5).await, widened);
    assert_eq!(apply(1).await, AppliedTopics::default());
    let partitions = async || {
        let topics = log.topics().await.expect("topics");
        topics.into_iter().find(|topic| topic.name == name).map(|topic| topic.partitions.len())
    };
    eventually("five partitions", async || (partitions().await == Some(5)).then_some(())).await;
    log.close().await;
}

/// A topic that exists gets the retention that it is to have, by time and by size.
pub async fn retention_is_changed(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let settings = settings(&unique("topic"), 1);
    let apply = async |settings: &TopicSettings| {
        log.apply_topics(std::slice::from_ref(settings)).await.expect("applied").retention_changed
    };
    assert!(apply(&settings).await.is_empty(), "it did not exist");
    let longer = TopicSettings { retention: settings.retention * 2, ..settings.clone() };
    let smaller = TopicSettings { retention_bytes: Some(1 << 20), ..longer.clone() };
    for other in [&longer, &smaller, &settings] {
        assert_eq!(apply(other).await, std::slice::from_ref(&settings.name));
        eventually("the change to be seen", async || apply(other).await.is_empty().then_some(())).await;
    }
    log.close().await;
}

/// A name that Kafka would refuse is refused, and so is a topic without partitions.
pub async fn topic_names_are_checked(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    for name in ["", "..", "a/b", "ä", "with space", &"x".repeat(250)] {
        let result = log.apply_topics(&[settings(name, 1)]).await;
        assert!(matches!(result, Err(LogError::Invalid(_))), "{name:?}: {result:?}");
    }
    let none = log.apply_topics(&[settings(&unique("topic"), 0)]).await;
    assert!(matches!(none, Err(LogError::Invalid(_))), "{none:?}");
    let result = log.subscribe(&unique("group"), &[]).await;
    assert!(matches!(result, Err(LogError::Invalid(_))), "a group that reads nothing");
    log.close().await;
}

/// Each partition tells the offsets that it keeps.
pub async fn topics_tell_what_they_keep(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let name = topic(&*log, 3).await;
    let mut ends = [0; 3];
    for at in append(&*log, &name, (0..30).map(|n| record(&n.to_string(), "x")).collect()).await {
        let end = &mut ends[at.partition as usize];
        *end = (at.offset + 1).max(*end);
    }
    let expected: Vec<KeptRange> = ends.iter().map(|end| KeptRange { start: 0, end: *end }).collect();
    let topics = log.topics().await.expect("topics");
    assert!(topics.is_sorted_by(|a, b| a.name < b.name), "by name");
    let told = topics.into_iter().find(|topic| topic.name == name).expect("the topic");
    assert_eq!(told.partitions, expected);
    log.close().await;
}

/// A member that runs while a topic is widened gets the new partitions as well.
pub async fn widened_partitions_reach_running_members(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let name = topic(&*log, 1).await;
    let mut member = Member::join(&log, &unique("group"), &name).await;
    member.until_it_has(1).await;
    log.apply_topics(&[settings(&name, 4)]).await.expect("widened");
    member.until_it_has(4).await;
    member.leave().await;
    log.close().await;
}

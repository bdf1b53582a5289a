//! Groups, their positions, and who reads what.

use super::{
    LogFixture,
    steps::{Member, append, fetch, record, text, topic},
};
use crate::{conformance::unique, eventually};

/// What was read and not committed is read again by the next member.
pub async fn uncommitted_records_come_again(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let group = unique("group");
    append(&*log, &topic, (0..5).map(|n| record("k", n.to_string())).collect()).await;
    for _ in 0..2 {
        let mut member = Member::join(&log, &group, &topic).await;
        member.until_it_has(1).await;
        let values: Vec<String> = fetch(&mut **member.only(), 5).await.iter().map(text).collect();
        assert_eq!(values, ["0", "1", "2", "3", "4"]);
        member.leave().await;
    }
    log.close().await;
}

/// The next member starts at the committed position, which is durable once the first one has left.
pub async fn a_group_resumes_where_it_committed(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let group = unique("group");
    append(&*log, &topic, (0..5).map(|n| record("k", n.to_string())).collect()).await;
    let mut member = Member::join(&log, &group, &topic).await;
    member.until_it_has(1).await;
    let fetched = fetch(&mut **member.only(), 5).await;
    let next = fetched[2].offset + 1;
    member.only().commit(next).await.expect("the position is committed");
    assert_eq!(log.committed(&group, &topic).await.expect("positions"), [(0, next)]);
    member.leave().await;
    log.close().await;

    let log = fixture.open().await;
    assert_eq!(log.committed(&group, &topic).await.expect("positions"), [(0, next)]);
    let mut member = Member::join(&log, &group, &topic).await;
    member.until_it_has(1).await;
    assert_eq!(fetch(&mut **member.only(), 2).await.iter().map(text).collect::<Vec<_>>(), ["3", "4"]);
    member.leave().await;
    log.close().await;
}

/// Also where the records are older than the group.
pub async fn a_new_group_starts_at_the_first_record(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    append(&*log, &topic, vec![record("k", "old")]).await;
    let group = unique("group");
    assert_eq!(log.committed(&group, &topic).await.expect("positions"), [], "no position yet");
    let mut member = Member::join(&log, &group, &topic).await;
    member.until_it_has(1).await;
    append(&*log, &topic, vec![record("k", "new")]).await;
    assert_eq!(fetch(&mut **member.only(), 2).await.iter().map(text).collect::<Vec<_>>(), ["old", "new"]);
    member.leave().await;
    log.close().await;
}

/// Each group reads everything and has its own position.
pub async fn groups_do_not_disturb_each_other(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    append(&*log, &topic, ["0", "1"].map(|value| record("k", value)).into()).await;
    let groups = [unique("group"), unique("group")];
    let mut members = Vec::new();
    for (group, next) in groups.iter().zip([1, 2]) {
        let mut member = Member::join(&log, group, &topic).await;
        member.until_it_has(1).await;
        assert_eq!(fetch(&mut **member.only(), 2).await.iter().map(text).collect::<Vec<_>>(), ["0", "1"]);
        member.only().commit(next).await.expect("committed");
        members.push(member);
    }
    for (group, next) in groups.iter().zip([1, 2]) {
        assert_eq!(log.committed(group, &topic).await.expect("positions"), [(0, next)]);
    }
    for member in members {
        member.leave().await;
    }
    log.close().await;
}

/// Lag is what is in the partition and was not fetched.
pub async fn lag_counts_what_was_not_fetched(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    append(&*log, &topic, (0..5).map(|n| record("k", n.to_string())).collect()).await;
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    fetch(&mut **member.only(), 2).await;
    let partition = member.only();
    eventually("a lag of 3", async || (partition.lag() == Some(3)).then_some(())).await;
    fetch(&mut **partition, 3).await;
    eventually("no lag", async || (partition.lag() == Some(0)).then_some(())).await;
    member.leave().await;
    log.close().await;
}

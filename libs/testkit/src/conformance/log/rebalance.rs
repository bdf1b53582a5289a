//! Partitions that move from one member of a group to another.

use std::{collections::BTreeSet, time::Duration};

use septet_messaging::log::{Assignment, LogError};
use tokio::time::timeout;

use super::{
    LogFixture,
    steps::{Member, append, batch, fetch, record, text, topic},
};
use crate::{Deadline, conformance::unique, within};

/// Members share the partitions fairly, and while they move, no partition has two owners.
pub async fn members_share_and_never_both_own(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    // The second one as another process would have it.
    let other = fixture.open().await;
    let topic = topic(&*log, 4).await;
    let group = unique("group");
    let mut first = Member::join(&log, &group, &topic).await;
    first.until_it_has(4).await;
    let mut second = Member::join(&other, &group, &topic).await;
    let shared = |first: &Member, second: &Member| {
        let (first, second): (BTreeSet<_>, BTreeSet<_>) =
            (first.partitions.keys().cloned().collect(), second.partitions.keys().cloned().collect());
        let both: Vec<_> = first.intersection(&second).collect();
        assert!(both.is_empty(), "owned twice: {both:?}");
        (first.len(), second.len())
    };
    within(Deadline::LONG, "a fair share for both", async {
        while shared(&first, &second) != (2, 2) {
            // The one that takes is looked at first: it must not have what the other has not given back.
            tokio::select! {
                biased;
                () = second.turn() => {}
                () = first.turn() => {}
            }
        }
    })
    .await;
    second.leave().await;
    first.until_it_has(4).await;
    first.leave().await;
    other.close().await;
    log.close().await;
}

/// A change that was given up half-way comes again.
pub async fn cancelled_turns_lose_no_assignment(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 4).await;
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    within(Deadline::LONG, "all partitions", async {
        let mut patience = 0;
        while member.partitions.len() < 4 {
            patience = (patience + 1) % 40;
            // The timeout is on the wait alone: what it gave is kept in full.
            if let Ok(change) = timeout(Duration::from_millis(patience), member.next()).await {
                match change {
                    Assignment::Assigned(partition) => member.keep(partition),
                    Assignment::Revoked { .. } => panic!("nobody else is in the group"),
                }
            }
        }
    })
    .await;
    member.leave().await;
    log.close().await;
}

/// The new owner begins where the old one committed on its way out.
pub async fn a_commit_before_giving_back_is_kept(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 2).await;
    let group = unique("group");
    let positions =
        append(&*log, &topic, (0..40).map(|n| record(&n.to_string(), n.to_string())).collect()).await;
    let mut first = Member::join(&log, &group, &topic).await;
    first.until_it_has(2).await;
    let mut done_before = [0; 2];
    for partition in first.partitions.values_mut() {
        let fetched = batch(&mut **partition, 5).await;
        done_before[partition.partition() as usize] = fetched.last().expect("a record").offset + 1;
    }
    let mut second = Member::join(&log, &group, &topic).await;
    let moved = match first.next().await {
        Assignment::Revoked { topic, partition, done } => {
            let mut leased = first.partitions.remove(&(topic, partition)).expect("one that it has");
            let next = done_before[partition as usize];
            leased.commit(next).await.expect("a revoked partition can be committed until it is given back");
            drop(leased);
            let _ = done.send(());
            partition
        }
        Assignment::Assigned(_) => panic!("it has all partitions"),
    };
    // Kafka's eager protocol takes all partitions and gives some back.
    let both = async {
        tokio::join!(
            async {
                let _ = timeout(Deadline::SHORT, first.until_it_has(1)).await;
            },
            second.until_it_has(1)
        )
    };
    within(Deadline::LONG, "the partition to move", both).await;
    let leased = second.only();
    let at = leased.partition();
    if at == moved {
        let next = fetch(&mut **leased, 1).await.remove(0);
        assert_eq!(next.offset, done_before[at as usize], "nothing lost, nothing again");
        let value =
            positions.iter().position(|position| (position.partition, position.offset) == (at, next.offset));
        assert_eq!(Some(text(&next)), value.map(|n| n.to_string()));
    }
    drop(first);
    second.leave().await;
    log.close().await;
}

/// Once a partition is given back, its old owner can neither read nor commit.
pub async fn a_member_that_gave_back_cannot_commit(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 2).await;
    let group = unique("group");
    append(&*log, &topic, (0..40).map(|n| record(&n.to_string(), "x")).collect()).await;
    let mut first = Member::join(&log, &group, &topic).await;
    first.until_it_has(2).await;
    let mut second = Member::join(&log, &group, &topic).await;
    let Assignment::Revoked { topic: of, partition, done } = first.next().await else {
        panic!("it has all partitions");
    };
    let mut stale = first.partitions.remove(&(of, partition)).expect("one that it has");
    let _ = done.send(());
    while second.partitions.is_empty() {
        tokio::select! {
            () = second.turn() => {}
            () = first.turn() => {}
        }
    }
    let read = within(Deadline::SHORT, "an answer", stale.batch(1)).await;
    assert!(matches!(read, Err(LogError::Closed)), "{read:?}");
    let commit = stale.commit(1).await;
    assert!(matches!(commit, Err(LogError::Closed)), "{commit:?}");
    let positions = log.committed(&group, &topic).await.expect("positions");
    assert!(positions.iter().all(|(of, next)| *of != partition || *next != 1), "{positions:?}");
    drop(stale);
    drop(first);
    second.leave().await;
    log.close().await;
}

/// A member that is dropped leaves its partitions to the others, and what it did not commit comes again.
pub async fn a_member_that_vanishes_is_replaced(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let group = unique("group");
    append(&*log, &topic, ["0", "1"].map(|value| record("k", value)).into()).await;
    let mut first = Member::join(&log, &group, &topic).await;
    first.until_it_has(1).await;
    assert_eq!(text(&fetch(&mut **first.only(), 1).await[0]), "0");
    let mut second = Member::join(&log, &group, &topic).await;
    drop(first);
    second.until_it_has(1).await;
    assert_eq!(fetch(&mut **second.only(), 2).await.iter().map(text).collect::<Vec<_>>(), ["0", "1"]);
    second.leave().await;
    log.close().await;
}

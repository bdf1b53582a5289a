//! Closing a log, and opening it again.

use septet_messaging::log::LogError;

use super::{
    LogFixture,
    steps::{Member, append, fetch, into, record, text, topic},
};
use crate::{Deadline, conformance::unique, within};

/// What was appended is there for the next one to open the log, and offsets go on rising.
pub async fn records_outlive_the_log(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let before = append(&*log, &topic, ["0", "1"].map(|value| record("k", value)).into()).await;
    log.close().await;
    drop(log);

    let log = fixture.open().await;
    log.ping().await.expect("the log answers");
    let after = append(&*log, &topic, vec![record("k", "2")]).await;
    assert!(after[0].offset > before[1].offset, "{before:?} then {after:?}");
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    assert_eq!(fetch(&mut **member.only(), 3).await.iter().map(text).collect::<Vec<_>>(), ["0", "1", "2"]);
    member.leave().await;
    log.close().await;
}

/// Whoever waits is told, and whoever comes later as well.
pub async fn a_closed_log_says_so(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    let waiting = async { member.only().batch(1).await };
    let (waited, ()) =
        within(Deadline::SHORT, "the close to be told", async { tokio::join!(waiting, log.close()) }).await;
    assert!(matches!(waited, Err(LogError::Closed)), "{waited:?}");
    let appended = log.append(vec![into(&topic, record("k", "late"))]).await;
    assert!(matches!(appended[..], [Err(LogError::Closed)]), "{appended:?}");
    assert!(matches!(log.ping().await, Err(LogError::Closed)), "ping");
    assert!(matches!(log.subscribe(&unique("group"), &[topic]).await, Err(LogError::Closed)), "subscribe");
    within(Deadline::SHORT, "a second close", log.close()).await;
}

//! Reading without a group, and how batches behave.

use std::time::Duration;

use septet_contract::Timestamp;
use septet_messaging::log::{From, LogError, Reader};
use tokio::time::{sleep, timeout};

use super::{
    LogFixture,
    steps::{Member, append, record, text, topic},
};
use crate::{Deadline, conformance::unique, within};

async fn values(reader: &mut dyn Reader, count: usize) -> Vec<String> {
    let mut values = Vec::new();
    while values.len() < count {
        let batch = within(Deadline::LONG, "a batch", reader.batch(count - values.len())).await;
        values.extend(batch.expect("a batch").iter().map(text));
    }
    values
}

/// From the start, the end, an offset, and a time.
pub async fn readers_begin_where_they_are_told(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    append(&*log, &topic, ["0", "1", "2"].map(|value| record("k", value)).into()).await;
    // Kafka keeps milliseconds: the time must be clearly after the first records and before the next.
    sleep(Duration::from_millis(20)).await;
    let between = Timestamp::now();
    sleep(Duration::from_millis(20)).await;
    append(&*log, &topic, ["3", "4"].map(|value| record("k", value)).into()).await;

    let read = async |from| log.read(&topic, 0, from).await.expect("a reader");
    assert_eq!(values(&mut *read(From::Start).await, 5).await, ["0", "1", "2", "3", "4"]);
    assert_eq!(values(&mut *read(From::Offset(2)).await, 3).await, ["2", "3", "4"]);
    assert_eq!(values(&mut *read(From::Offset(-7)).await, 1).await, ["0"]);
    assert_eq!(values(&mut *read(From::Time(between)).await, 2).await, ["3", "4"]);
    assert_eq!(values(&mut *read(From::Time(Timestamp::from_micros(0))).await, 1).await, ["0"]);
    let mut end = read(From::End).await;
    append(&*log, &topic, vec![record("k", "5")]).await;
    assert_eq!(values(&mut *end, 1).await, ["5"]);
    let outside = log.read(&topic, 9, From::Start).await;
    assert!(matches!(outside, Err(LogError::Invalid(_))), "there is no partition 9");
    log.close().await;
}

/// A batch has at most as many records as asked for, and comes as soon as there is one.
pub async fn a_batch_is_bounded_and_waits_for_the_first_record(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let mut reader = log.read(&topic, 0, From::Start).await.expect("a reader");
    let nothing = timeout(Duration::from_millis(300), reader.batch(10)).await;
    assert!(nothing.is_err(), "an empty partition gives no batch");
    let (batch, _) = tokio::join!(
        within(Deadline::SHORT, "the batch that waited", reader.batch(10)),
        append(&*log, &topic, vec![record("k", "first")]),
    );
    assert_eq!(batch.expect("a batch").iter().map(text).collect::<Vec<_>>(), ["first"]);
    append(&*log, &topic, (0..10).map(|n| record("k", n.to_string())).collect()).await;
    let mut seen = Vec::new();
    while seen.len() < 10 {
        let batch = within(Deadline::SHORT, "a batch", reader.batch(4)).await.expect("a batch");
        assert!((1..=4).contains(&batch.len()), "{} records", batch.len());
        seen.extend(batch.iter().map(text));
    }
    assert_eq!(seen, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    log.close().await;
}

/// A batch that was given up half-way takes nothing with it.
pub async fn cancelled_batches_lose_nothing(fixture: &dyn LogFixture) {
    const RECORDS: usize = 200;
    let log = fixture.open().await;
    let topic = topic(&*log, 1).await;
    let mut member = Member::join(&log, &unique("group"), &topic).await;
    member.until_it_has(1).await;
    let appending = async {
        for n in 0..RECORDS {
            append(&*log, &topic, vec![record("k", n.to_string())]).await;
        }
    };
    let reading = within(Deadline::LONG, "all records", async {
        let (mut seen, mut patience) = (Vec::new(), 0);
        while seen.len() < RECORDS {
            // From no patience at all to a little, so that it is given up at every stage.
            patience = (patience + 1) % 40;
            if let Ok(batch) = timeout(Duration::from_micros(100 * patience), member.only().batch(3)).await {
                seen.extend(batch.expect("a batch").iter().map(text));
            }
        }
        seen
    });
    let ((), seen) = tokio::join!(appending, reading);
    assert_eq!(seen, (0..RECORDS).map(|n| n.to_string()).collect::<Vec<_>>());
    member.leave().await;
    log.close().await;
}

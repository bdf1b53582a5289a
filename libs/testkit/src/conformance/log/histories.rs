//! Appenders and members at the same time, with members that come and go, judged by the history checker.

use std::{collections::HashMap, sync::Arc, time::Duration};

use septet_messaging::log::{Assignment, LogError, Partition, SharedLog};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    LogFixture,
    steps::{into, record, text, topic},
};
use crate::{
    Deadline,
    conformance::unique,
    history::{History, Order, Outcome},
    within,
};

const APPENDERS: u64 = 4;
const ROUNDS: u64 = 25;
const KEYS: u64 = 3;

/// Whatever happens to the members, each acked record takes effect once, in the order of its key.
pub async fn the_history_of_appenders_and_members_holds(fixture: &dyn LogFixture) {
    let log = fixture.open().await;
    let topic = topic(&*log, 6).await;
    let group = unique("group");
    let history = Arc::new(History::new());
    let appending: Vec<_> = (0..APPENDERS)
        .map(|appender| tokio::spawn(append_all(log.clone(), topic.clone(), appender, history.clone())))
        .collect();
    // One member stays; others come for a while and go, with their work half done.
    let stays = consume(log.clone(), &group, &topic, history.clone());
    for _ in 0..3 {
        let guest = consume(log.clone(), &group, &topic, history.clone());
        let seen = history.effects();
        crate::eventually("progress", async || (history.effects() > seen || history.settled()).then_some(()))
            .await;
        guest.stop().await;
    }
    for appender in appending {
        appender.await.expect("the appender ends");
    }
    within(Deadline::LONG, "every acked record to take effect", async {
        while !history.settled() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    stays.stop().await;
    let summary = history.check(Order::PerKey).expect("the promises are kept");
    assert_eq!(summary.acked as u64, APPENDERS * ROUNDS * KEYS, "{summary:?}");
    log.close().await;
}

async fn append_all(log: SharedLog, topic: String, appender: u64, history: Arc<History>) {
    for round in 0..ROUNDS {
        let keys: Vec<String> = (0..KEYS).map(|key| format!("{appender}-{key}")).collect();
        let ids: Vec<String> = keys.iter().map(|key| format!("{key}-{round}")).collect();
        for (id, key) in ids.iter().zip(&keys) {
            history.intend(id, key, round);
        }
        let records = ids.iter().zip(&keys).map(|(id, key)| into(&topic, record(key, id.clone()))).collect();
        for (id, result) in ids.iter().zip(log.append(records).await) {
            result.unwrap_or_else(|error| panic!("{id} is not appended: {error}"));
            history.outcome(id, Outcome::Acked);
        }
    }
}

struct Consumer {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Consumer {
    async fn stop(self) {
        self.stop.cancel();
        within(Deadline::LONG, "the member to end", self.task).await.expect("the member does not panic");
    }
}

/// A member with a task for each of its partitions, as a service has it.
fn consume(log: SharedLog, group: &str, topic: &str, history: Arc<History>) -> Consumer {
    let stop = CancellationToken::new();
    let (stopped, group, topic) = (stop.clone(), group.to_owned(), topic.to_owned());
    let task = tokio::spawn(async move {
        let mut membership = log.subscribe(&group, &[topic]).await.expect("the group can be joined");
        let mut partitions: HashMap<i32, (CancellationToken, JoinHandle<()>)> = HashMap::new();
        loop {
            let change = tokio::select! {
                () = stopped.cancelled() => break,
                change = membership.next() => change,
            };
            match change {
                Ok(Assignment::Assigned(partition)) => {
                    let (number, token) = (partition.partition(), CancellationToken::new());
                    let task = tokio::spawn(work(partition, token.clone(), history.clone()));
                    partitions.insert(number, (token, task));
                }
                Ok(Assignment::Revoked { partition, done, .. }) => {
                    if let Some((token, task)) = partitions.remove(&partition) {
                        token.cancel();
                        task.await.expect("the partition's task does not panic");
                    }
                    let _ = done.send(());
                }
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
        }
        for (token, task) in partitions.into_values() {
            token.cancel();
            task.await.expect("the partition's task does not panic");
        }
        membership.leave().await;
    });
    Consumer { stop, task }
}

async fn work(mut partition: Box<dyn Partition>, stop: CancellationToken, history: Arc<History>) {
    loop {
        let batch = tokio::select! {
            () = stop.cancelled() => return,
            batch = partition.batch(7) => batch,
        };
        match batch {
            Ok(batch) => {
                for fetched in &batch {
                    history.effect_once(&text(fetched));
                }
                let next = batch.last().map_or(0, |last| last.offset + 1);
                match partition.commit(next).await {
                    Ok(()) | Err(LogError::Closed) => {}
                    Err(error) => assert!(error.is_transient(), "{error}"),
                }
            }
            Err(LogError::Closed) => return stop.cancelled().await,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
}

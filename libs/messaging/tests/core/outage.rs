//! A database that goes away is waited for: nothing is given up, nothing is done twice.

use std::{collections::BTreeSet, time::Duration};

use septet_contract::Event;
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::ReviewCompleted;
use septet_store::{Store, StoreConfig};
use septet_testkit::{eventually, servers};

use crate::{
    fixture::{Fixture, envelope, job, record, settings},
    gate::Gate,
};

/// A service whose way to PostgreSQL can be shut.
async fn behind_a_gate(test: &str) -> Option<(Fixture, Gate)> {
    let url = servers::postgres().await?.create_database().await;
    let (account, rest) = url.split_once('@').expect("an account");
    let (server, database) = rest.split_once('/').expect("a database");
    let gate = Gate::to(server.to_owned()).await;
    let through = StoreConfig {
        url: Some(format!("{account}@{}/{database}", gate.address)),
        acquire_timeout_secs: 1,
        ..StoreConfig::default()
    };
    let of = Fixture::with(through, test, settings()).await;
    Some((of, gate))
}

/// How many events were published. A row whose deletion was lost is sent again: with the same id, which a consumer's
/// inbox knows.
async fn published(of: &Fixture) -> usize {
    let records = of.records(<ReviewCompleted as Event>::TOPIC).await;
    records.iter().map(|record| envelope(record).id).collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_jobs_wait_for_the_database() {
    let Some((of, gate)) = behind_a_gate("outage::waits").await else { return };
    let running = of.start();
    of.append(ChangePushed::TOPIC, [record("before")]).await;
    of.effects_of(1).await;
    gate.shut();
    of.append(ChangePushed::TOPIC, (0..20).map(|number| record(&number.to_string()))).await;
    of.send(job("job")).await;
    // Longer than all attempts with all their pauses, several times over.
    eventually("the database is seen to be away", async || {
        Store::ping(&of.store).await.is_err().then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    gate.open();
    let mut effects = of.effects_of(22).await;
    of.idle().await;
    running.drain().await;
    effects.sort();
    effects.dedup();
    assert_eq!(effects.len(), 22, "each once");
    assert_eq!(of.effects().await.len(), 22);
    assert!(of.open_letters(0).await.is_empty(), "nothing was given up");
    assert_eq!(published(&of).await, 22);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_again_and_again_lose_nothing() {
    let Some((of, gate)) = behind_a_gate("outage::breaks").await else { return };
    let running = of.start();
    for round in 0..15 {
        of.append(ChangePushed::TOPIC, (0..10).map(|number| record(&format!("{round}/{number}")))).await;
        of.send(job(&format!("job {round}"))).await;
        gate.shut();
        gate.open();
    }
    eventually("all effects", async || {
        let mut tx = of.store.read().await.ok()?;
        let count: i64 = septet_store::on_engine!(&mut tx, conn =>
            sqlx::query_scalar("SELECT COUNT(*) FROM effect").fetch_one(conn).await)
        .ok()?;
        (count >= 165).then_some(())
    })
    .await;
    of.idle().await;
    running.drain().await;
    let effects = of.effects().await;
    let repeated: Vec<_> =
        effects.iter().filter(|name| effects.iter().filter(|n| n == name).count() > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    assert_eq!(effects.len(), 165);
    assert!(of.open_letters(0).await.is_empty(), "nothing was given up");
    assert_eq!(published(&of).await, 165);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_does_not_wait_for_a_database_that_is_away() {
    let Some((of, gate)) = behind_a_gate("outage::drain").await else { return };
    let running = of.start();
    of.append(ChangePushed::TOPIC, [record("before")]).await;
    of.effects_of(1).await;
    gate.shut();
    of.append(ChangePushed::TOPIC, [record("during")]).await;
    of.send(job("job")).await;
    running.drain().await;
    gate.open();
    let running = of.start();
    of.effects_of(3).await;
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await.len(), 3);
}

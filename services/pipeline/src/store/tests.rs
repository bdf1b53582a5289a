//! Two workers and one run, on both engines.

use septet_chassis::{Store, store::StoreConfig};
use septet_proto_pipeline::v1::RunState;
use septet_testkit::servers;

use super::{Fence, Run, claim, end, fenced, insert, park, renew};

async fn store(url: Option<String>, dir: &std::path::Path) -> Store {
    let config = StoreConfig { url, ..StoreConfig::default() };
    let store = Store::open(&config, &dir.join("pipeline.db")).await.unwrap();
    store.migrate(&septet_chassis::migrations!("pipeline")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let run = Run { id: "run".to_owned(), state: 1, event: "null".to_owned(), ..Run::default() };
    assert!(insert(&mut tx, &run).await.unwrap());
    tx.commit().await.unwrap();
    store
}

async fn taken(store: &Store, now: i64, until: i64) -> Option<Fence> {
    let mut tx = store.begin().await.unwrap();
    let run = claim(&mut tx, now, until).await.unwrap();
    tx.commit().await.unwrap();
    run.map(|run| Fence { run_id: run.id, number: run.fence })
}

async fn a_worker_that_lost_its_lease_writes_nothing(store: Store) {
    let first = taken(&store, 100, 200).await.expect("a run that is due");
    assert_eq!(taken(&store, 150, 250).await, None, "its lease still runs");
    let mut tx = store.begin().await.unwrap();
    fenced(&mut tx, &first).await.unwrap().expect("nobody else has it");
    tx.commit().await.unwrap();

    let second = taken(&store, 201, 301).await.expect("a lease that ran out");
    assert!(second.number > first.number);
    // By its own clock the first may still think that it has the run.
    let mut tx = store.begin().await.unwrap();
    assert!(fenced(&mut tx, &first).await.unwrap().is_err(), "a write of the first");
    assert!(renew(&mut tx, &first, 1_000).await.unwrap().is_err(), "a renewal of the first");
    assert!(!park(&mut tx, &first, 0, 5).await.unwrap(), "the first lets go of what it has not");
    fenced(&mut tx, &second).await.unwrap().expect("the second has it");
    end(&mut tx, "run", RunState::Succeeded, "done", 250).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    assert!(fenced(&mut tx, &second).await.unwrap().is_err(), "nobody writes to a run that has ended");
    drop(tx);
    assert_eq!(taken(&store, 900, 1_000).await, None, "nobody takes a run that has ended");
}

async fn of_many_that_want_a_run_one_gets_it(store: Store) {
    let wanted = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { taken(&store, 100, 200).await })
    });
    let mut got = 0;
    for wanted in wanted.collect::<Vec<_>>() {
        got += usize::from(wanted.await.unwrap().is_some());
    }
    assert_eq!(got, 1);
}

macro_rules! on_both {
    ($($name:ident),+) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let dir = tempfile::tempdir().unwrap();
                super::$name(super::store(None, dir.path()).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                let Some(server) = super::servers::postgres().await else { return };
                let dir = tempfile::tempdir().unwrap();
                super::$name(super::store(Some(server.create_database().await), dir.path()).await).await;
            }
        }
    )+};
}

on_both!(a_worker_that_lost_its_lease_writes_nothing, of_many_that_want_a_run_one_gets_it);

//! The schema is brought up to date once, and a schema that does not fit is refused by name.

use septet_store::{Store, StoreError};

use crate::fixture::{Fixture, first, on_each_engine, second};

on_each_engine! {
    applies_once_and_keeps_what_is_there
    a_missing_migration_is_found_without_a_change
    a_newer_schema_is_not_migrated_but_can_be_served
    a_refused_migration_leaves_no_lock_behind
}

async fn applies_once_and_keeps_what_is_there(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    crate::fixture::insert(&mut tx, "a", Some(1)).await.expect("inserted");
    tx.commit().await.expect("committed");
    of.store.migrate(&first()).await.expect("applied again");
    of.store.migrate(&second()).await.expect("the next version");
    of.store.check_schema(&second()).await.expect("up to date");
    assert_eq!(crate::fixture::ids(&of.store).await, ["a"]);
}

async fn a_missing_migration_is_found_without_a_change(of: Fixture) {
    for _ in 0..2 {
        // Twice: the first look must not have made the table that it looks into.
        let error = of.store.check_schema(&first()).await.expect_err("empty");
        let message = error.to_string();
        assert!(matches!(error, StoreError::Schema { .. }), "{message}");
        assert!(message.contains("1 migrations of test are missing; run `migrate`"), "{message}");
        assert!(message.contains(of.store.location()), "{message}");
    }
    assert_eq!(tables(&of.store).await, 0);
    of.store.migrate(&first()).await.expect("applied");
    of.store.check_schema(&first()).await.expect("nothing is missing");
    of.store.check_schema(&second()).await.expect_err("the second is missing");
}

async fn a_newer_schema_is_not_migrated_but_can_be_served(of: Fixture) {
    of.store.migrate(&second()).await.expect("applied");
    let error = of.store.migrate(&first()).await.expect_err("older");
    let message = error.to_string();
    assert!(matches!(error, StoreError::Schema { .. }), "{message}");
    assert!(message.contains("migration 2 of test was applied by a newer version"), "{message}");
    // A rolling update migrates first: what still runs, or restarts, is the version before.
    of.store.check_schema(&first()).await.expect("the schema has grown");
}

async fn a_refused_migration_leaves_no_lock_behind(of: Fixture) {
    of.store.migrate(&second()).await.expect("applied");
    of.store.migrate(&first()).await.expect_err("older");
    let other = of.again().await;
    let again = async { other.migrate(&second()).await };
    septet_testkit::within(septet_testkit::Deadline::SHORT, "a migration", again).await.expect("up to date");
}

#[tokio::test]
async fn replicas_migrate_at_the_same_time() {
    let Some(of) = Fixture::postgres("migrations::replicas").await else { return };
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(of.again().await);
    }
    let runs = stores.into_iter().map(|store| {
        tokio::spawn(async move {
            store.migrate(&first()).await.expect("applied");
            store.migrate(&second()).await.expect("applied");
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.expect("no panic");
    }
    of.store.check_schema(&second()).await.expect("up to date");
}

async fn tables(store: &Store) -> i64 {
    let mut tx = store.read().await.expect("a reader");
    match &mut tx {
        septet_store::Tx::Postgres(tx) => {
            sqlx::query_scalar("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
                .fetch_one(&mut **tx)
                .await
        }
        septet_store::Tx::Sqlite(tx) => {
            sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'")
                .fetch_one(&mut **tx)
                .await
        }
    }
    .expect("counted")
}

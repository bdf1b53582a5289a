//! Which error is which: what may succeed later, what is a duplicate, and what names a file or server.

use std::{fs, time::Duration};

use septet_store::{Store, StoreConfig, StoreError, on_engine};
use septet_testkit::{evidence::Workspace, servers, within};

use crate::fixture::{Fixture, first, insert, on_each_engine};

on_each_engine! {
    a_row_that_is_there_is_a_duplicate
    a_mistake_in_a_statement_is_not_transient
}

async fn a_row_that_is_there_is_a_duplicate(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    insert(&mut tx, "hunter2", None).await.expect("inserted");
    let error = insert(&mut tx, "hunter2", None).await.expect_err("a duplicate");
    assert!(matches!(error, StoreError::Duplicate { .. }), "{error}");
    assert!(!error.is_transient());
    assert!(!error.to_string().contains("hunter2"), "no values: {error}");
}

async fn a_mistake_in_a_statement_is_not_transient(of: Fixture) {
    let mut tx = of.store.begin().await.expect("begun");
    let error = insert(&mut tx, "a", None).await.expect_err("no such table");
    assert!(matches!(error, StoreError::Statement(_)), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let workspace = Workspace::new("errors::garbage");
    let path = workspace.path().join("docs.db");
    fs::write(&path, "this is not a database, and long enough for a header. ".repeat(100)).expect("written");
    let error = match Store::open_sqlite(&path, &StoreConfig::default()).await {
        Err(error) => error,
        Ok(store) => store.migrate(&first()).await.expect_err("garbage"),
    };
    let message = error.to_string();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{message}");
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains("restore it from a backup"), "{message}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let workspace = Workspace::new("errors::directory");
    let path = workspace.path().join("absent/docs.db");
    let error = Store::open_sqlite(&path, &StoreConfig::default()).await.expect_err("no directory");
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[tokio::test]
async fn an_unknown_kind_of_url_says_what_to_write() {
    let config = StoreConfig { url: Some("mysql://host/db".to_owned()), ..StoreConfig::default() };
    let error = Store::open(&config, "unused.db".as_ref()).await.expect_err("no such engine");
    assert!(error.to_string().contains("postgres://user@host/database"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_is_transient() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("address");
    let config = StoreConfig {
        url: Some(format!("postgres://septet@{closed}/docs")),
        acquire_timeout_secs: 1,
        ..StoreConfig::default()
    };
    let store = Store::open(&config, "unused".as_ref()).await.expect("it is waited for");
    for error in [
        store.ping().await.expect_err("away"),
        store.begin().await.map(drop).expect_err("away"),
        store.migrate(&first()).await.expect_err("away"),
        store.check_schema(&first()).await.expect_err("away"),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_transient_and_does_not_hang() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = silent.local_addr().expect("address");
    let config = StoreConfig {
        url: Some(format!("postgres://septet@{address}/docs")),
        acquire_timeout_secs: 1,
        ..StoreConfig::default()
    };
    let store = Store::open(&config, "unused".as_ref()).await.expect("it is waited for");
    let error = within(Duration::from_secs(15), "a ping", store.ping()).await.expect_err("silent");
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named() {
    let Some(server) = servers::postgres().await else { return };
    let url = format!("{}_absent", server.create_database().await);
    let config = StoreConfig { url: Some(url), ..StoreConfig::default() };
    let store = Store::open(&config, "unused".as_ref()).await.expect("lazy");
    let error = store.migrate(&first()).await.expect_err("absent");
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(error.to_string().contains(store.location()), "{error}");
}

#[tokio::test]
async fn a_deadlock_and_a_killed_connection_are_transient() {
    let Some(of) = Fixture::postgres("errors::transient").await else { return };
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    insert(&mut tx, "a", Some(0)).await.expect("inserted");
    insert(&mut tx, "b", Some(0)).await.expect("inserted");
    tx.commit().await.expect("committed");

    let crossing = |first: &'static str, second: &'static str, met: std::sync::Arc<tokio::sync::Barrier>| {
        let store = of.store.clone();
        async move {
            let mut tx = store.begin().await?;
            for id in [first, second] {
                on_engine!(&mut tx, conn => sqlx::query("UPDATE item SET amount = 1 WHERE id = $1")
                    .bind(id).execute(conn).await.map(drop))?;
                if id == first {
                    met.wait().await;
                }
            }
            Ok::<(), StoreError>(())
        }
    };
    let met = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let (one, other) = tokio::join!(crossing("a", "b", met.clone()), crossing("b", "a", met));
    let error = one.and(other).expect_err("one of them is the victim");
    assert!(error.is_transient(), "{error}");

    let mut tx = of.store.begin().await.expect("begun");
    let killed = on_engine!(&mut tx, conn =>
        sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(conn).await.map(drop));
    let error = StoreError::from(killed.expect_err("it has killed itself"));
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_locked_file_is_transient() {
    let of = Fixture::sqlite("errors::locked").await;
    of.store.migrate(&first()).await.expect("applied");
    let _holder = of.store.begin().await.expect("the writer");
    let config = StoreConfig { acquire_timeout_secs: 1, ..StoreConfig::default() };
    let mine = Store::open(&config, &of.workspace.path().join("item.db")).await.expect("opened");
    // In one process writers wait in turn; another one waits for the file.
    let _writer_elsewhere = mine.read().await.expect("readers do not wait");
    let error = mine.begin().await.map(drop).expect_err("busy");
    assert!(error.is_transient(), "{error}");
}

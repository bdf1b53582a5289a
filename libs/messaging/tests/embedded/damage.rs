//! Files that are not what they should be: one error that names the file and the reason, and no change to the file.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use septet_messaging::{
    log::{
        LogError,
        embedded::{EmbeddedLog, EmbeddedOptions as LogOptions},
    },
    queue::{
        QueueError,
        embedded::{EmbeddedOptions as QueueOptions, EmbeddedQueue},
    },
};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use crate::fixture::{append, create, open_log, record};

async fn sql(file: &Path, sql: &'static str) {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.expect("it opens");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("it is changed");
    connection.close().await.expect("it closes");
}

/// The reason why the log does not open.
async fn refused(dir: &Path) -> String {
    let before = fs::read(dir.join("log.db")).expect("the file");
    let error = EmbeddedLog::open(dir, LogOptions::default()).await.err().expect("it does not open");
    assert_eq!(fs::read(dir.join("log.db")).expect("the file"), before, "the file is left as it was");
    let LogError::Corrupt { path, reason } = &error else { panic!("{error}") };
    assert_eq!(Path::new(path), dir.join("log.db"));
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
    reason.clone()
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("log.db"), "hello, this is a text file").expect("written");
    assert!(refused(dir.path()).await.contains("not an SQLite database"));
    fs::write(dir.path().join("queue.db"), "short").expect("written");
    let queue =
        EmbeddedQueue::open(dir.path(), QueueOptions::default()).await.err().expect("it does not open");
    assert!(matches!(queue, QueueError::Corrupt { .. }), "{queue}");
}

#[tokio::test]
async fn a_foreign_or_newer_database_is_named() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("log.db");
    sql(&file, "CREATE TABLE recipes (id INTEGER)").await;
    assert!(refused(dir.path()).await.contains("another program"));
    fs::remove_file(&file).expect("removed");

    open_log(dir.path(), LogOptions::default()).await.close().await;
    sql(&file, "PRAGMA user_version = 99").await;
    assert!(refused(dir.path()).await.contains("schema 99"));
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("log.db");
    let log = open_log(dir.path(), LogOptions::default()).await;
    create(&*log, "t", 1).await;
    append(&*log, "t", (0..500).map(|n| record("k", &n.to_string().repeat(40))).collect()).await;
    log.close().await;
    let mut bytes = fs::read(&file).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    fs::write(&file, bytes).expect("damaged");
    assert!(!refused(dir.path()).await.is_empty());
}

#[tokio::test]
async fn the_directory_and_file_are_their_owners_alone() {
    let dir = TempDir::new().expect("a directory");
    let data = dir.path().join("a/b");
    open_log(&data, LogOptions::default()).await.close().await;
    for (path, mode) in [(data.clone(), 0o700), (data.join("log.db"), 0o600)] {
        let permissions = fs::metadata(&path).expect("it is there").permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{}", path.display());
    }
}

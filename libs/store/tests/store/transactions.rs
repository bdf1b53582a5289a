//! Transactions, what readers see of them, and savepoints.

use septet_store::on_engine;

use crate::fixture::{Fixture, first, ids, insert, on_each_engine};

on_each_engine! {
    a_commit_is_seen_and_a_rollback_is_not
    a_dropped_transaction_is_undone
    a_reader_sees_one_moment_and_does_not_wait_for_a_writer
    a_reader_cannot_write
    a_savepoint_undoes_what_came_after_it
    a_savepoint_mends_a_failed_statement
    null_comes_back_as_null
    it_answers_until_it_is_closed
}

async fn a_commit_is_seen_and_a_rollback_is_not(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    insert(&mut tx, "kept", None).await.expect("inserted");
    tx.commit().await.expect("committed");
    let mut tx = of.store.begin().await.expect("begun");
    insert(&mut tx, "undone", None).await.expect("inserted");
    tx.rollback().await.expect("rolled back");
    assert_eq!(ids(&of.store).await, ["kept"]);
    assert_eq!(ids(&of.again().await).await, ["kept"]);
}

async fn a_dropped_transaction_is_undone(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    for _ in 0..20 {
        let mut tx = of.store.begin().await.expect("begun");
        insert(&mut tx, "again", None).await.expect("the one before was undone");
        drop(tx);
    }
    assert!(ids(&of.store).await.is_empty());
}

async fn a_reader_sees_one_moment_and_does_not_wait_for_a_writer(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut writer = of.store.begin().await.expect("begun");
    insert(&mut writer, "a", None).await.expect("inserted");
    let mut reader = of.store.read().await.expect("not held up");
    let count = async |reader: &mut septet_store::Tx| -> i64 {
        on_engine!(reader, conn => sqlx::query_scalar("SELECT COUNT(*) FROM item").fetch_one(conn).await)
            .expect("counted")
    };
    assert_eq!(count(&mut reader).await, 0);
    writer.commit().await.expect("committed");
    assert_eq!(count(&mut reader).await, 0, "the reader's moment was before the commit");
    drop(reader);
    assert_eq!(ids(&of.store).await, ["a"]);
}

async fn a_reader_cannot_write(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut reader = of.store.read().await.expect("a reader");
    insert(&mut reader, "a", None).await.expect_err("it only reads");
    drop(reader);
    assert!(ids(&of.store).await.is_empty());
}

async fn a_savepoint_undoes_what_came_after_it(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    insert(&mut tx, "before", None).await.expect("inserted");
    tx.set_savepoint().await.expect("set");
    insert(&mut tx, "first", None).await.expect("inserted");
    tx.move_savepoint().await.expect("moved");
    insert(&mut tx, "second", None).await.expect("inserted");
    tx.rollback_to_savepoint().await.expect("undone");
    insert(&mut tx, "third", None).await.expect("inserted");
    tx.move_savepoint().await.expect("moved after it was used");
    insert(&mut tx, "fourth", None).await.expect("inserted");
    tx.rollback_to_savepoint().await.expect("undone");
    tx.commit().await.expect("committed");
    assert_eq!(ids(&of.store).await, ["before", "first", "third"]);
}

async fn a_savepoint_mends_a_failed_statement(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    insert(&mut tx, "a", None).await.expect("inserted");
    tx.set_savepoint().await.expect("set");
    insert(&mut tx, "a", None).await.expect_err("a duplicate");
    tx.rollback_to_savepoint().await.expect("undone");
    insert(&mut tx, "b", None).await.expect("goes on");
    tx.commit().await.expect("committed");
    assert_eq!(ids(&of.store).await, ["a", "b"]);
}

async fn null_comes_back_as_null(of: Fixture) {
    of.store.migrate(&first()).await.expect("applied");
    let mut tx = of.store.begin().await.expect("begun");
    for (id, amount) in [("a", None), ("b", Some(i64::MIN)), ("c", Some(i64::MAX))] {
        insert(&mut tx, id, amount).await.expect("inserted");
    }
    let amounts: Vec<Option<i64>> = on_engine!(&mut tx, conn =>
        sqlx::query_scalar("SELECT amount FROM item ORDER BY id").fetch_all(conn).await)
    .expect("read");
    assert_eq!(amounts, [None, Some(i64::MIN), Some(i64::MAX)]);
}

async fn it_answers_until_it_is_closed(of: Fixture) {
    of.store.ping().await.expect("it is there");
    of.store.close().await;
    assert!(of.store.ping().await.expect_err("closed").is_transient());
    assert!(of.store.begin().await.expect_err("closed").is_transient());
}

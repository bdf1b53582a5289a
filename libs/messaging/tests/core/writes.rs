//! Rows that the events of one transaction write together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use septet_contract::Cause;
use septet_messaging::{Column, Cx, Dispatcher, Handle, HandleError, Handlers, Write};
use septet_proto_devops::v1::ChangePushed;
use septet_store::on_engine;

use crate::fixture::{Fixture, Running, catalog, on_each_engine, pushed, record_of};

static ADD: Write =
    Write::new("INSERT INTO effect (name) SELECT name FROM {rows} AS given", &[("name", Column::Text)]);

static ADD_KEYED: Write = Write::new(
    "INSERT INTO effect (name) SELECT key || '=' || number FROM {rows} AS given",
    &[("key", Column::Text), ("number", Column::Integer)],
);

on_each_engine! {
    what_is_written_shows_in_the_transaction_and_after_it
    rows_about_the_same_are_written_one_after_the_other
    a_row_that_does_not_fit_is_refused
    nothing_is_committed_after_rows_could_not_be_written
    each_event_of_a_batch_is_written_once_and_a_rejected_one_not_at_all
}

async fn what_is_written_shows_in_the_transaction_and_after_it(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    for name in ["a", "b", "c"] {
        cx.write(&ADD, [name.into()]).await.expect("taken");
    }
    let seen: Vec<String> = on_engine!(cx.tx().await.expect("a transaction"), conn =>
        sqlx::query_scalar("SELECT name FROM effect ORDER BY position").fetch_all(conn).await)
    .expect("read");
    assert_eq!(seen, ["a", "b", "c"], "the transaction sees what it wrote");
    cx.write(&ADD, ["d".into()]).await.expect("taken");
    assert_eq!(of.effects().await, [""; 0], "nothing before the commit");
    cx.commit().await.expect("committed");
    assert_eq!(of.effects().await, ["a", "b", "c", "d"]);
}

async fn rows_about_the_same_are_written_one_after_the_other(of: Fixture) {
    static KEEP: Write = Write::new(
        "INSERT INTO inbox (consumer, source, id, handled_at)
         SELECT consumer, '/test', 'one', number FROM {rows} AS given WHERE true
         ON CONFLICT (consumer, source, id) DO UPDATE SET handled_at = excluded.handled_at",
        &[("consumer", Column::Text), ("number", Column::Integer)],
    );
    let mut cx = of.units.begin(Cause::default());
    for number in 1..=3 {
        cx.write(&KEEP, ["same".into(), number.into()]).await.expect("taken");
        cx.write(&KEEP, [format!("other-{number}").into(), number.into()]).await.expect("taken");
    }
    cx.commit().await.expect("committed");
    let mut tx = of.store.read().await.expect("a reader");
    let last: i64 = on_engine!(&mut tx, conn =>
        sqlx::query_scalar("SELECT handled_at FROM inbox WHERE consumer = 'same'").fetch_one(conn).await)
    .expect("read");
    assert_eq!(last, 3);
}

async fn a_row_that_does_not_fit_is_refused(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    let error = cx.write(&ADD_KEYED, ["a".into()]).await.expect_err("a value is missing");
    assert!(error.to_string().contains("key, number"), "{error}");
    cx.write(&ADD_KEYED, ["a".into(), "b".into()]).await.expect_err("a text is no number");
    cx.write(&ADD_KEYED, ["a".into(), 1.into()]).await.expect("it fits");
    cx.commit().await.expect("committed");
    assert_eq!(of.effects().await, ["a=1"]);
}

async fn nothing_is_committed_after_rows_could_not_be_written(of: Fixture) {
    static NOWHERE: Write =
        Write::new("INSERT INTO nowhere (name) SELECT name FROM {rows} AS given", &[("name", Column::Text)]);
    let mut cx = of.units.begin(Cause::default());
    on_engine!(cx.tx().await.expect("a transaction"), conn =>
        sqlx::query("INSERT INTO effect (name) VALUES ('before')").execute(conn).await.map(drop))
    .expect("written");
    cx.write(&NOWHERE, ["a".into()]).await.expect("taken");
    cx.tx().await.map(drop).expect_err("there is no such table");
    // Who does not look at the error must not go on in a transaction that is another one.
    cx.tx().await.map(drop).expect_err("it stays broken");
    cx.commit().await.expect_err("nor is it committed");
    assert_eq!(of.effects().await, [""; 0]);
}

/// Writes a row for each event; those with these names are rejected, before or after the transaction was used.
struct Writer {
    attempts: AtomicUsize,
}

impl Handle<ChangePushed> for Writer {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let name = event.change.map_or(event.change_id, |change| change.commit);
        cx.write(&ADD, [name.as_str().into()]).await?;
        if name.ends_with("late") {
            cx.tx().await?;
        }
        if name.contains("bad") { Err(HandleError::reject("TEST-0002", "never")) } else { Ok(()) }
    }
}

async fn each_event_of_a_batch_is_written_once_and_a_rejected_one_not_at_all(of: Fixture) {
    let names: Vec<String> = (0..40)
        .map(|number| match number {
            7 | 31 => format!("{number:02}-bad"),
            12 => format!("{number:02}-bad-late"),
            20 => format!("{number:02}-late"),
            _ => format!("{number:02}"),
        })
        .collect();
    // One key, hence one partition and few batches.
    of.append(
        <ChangePushed as septet_contract::Event>::TOPIC,
        names.iter().map(|name| record_of(&pushed("key", name))),
    )
    .await;
    let writer = Arc::new(Writer { attempts: AtomicUsize::new(0) });
    let mut handlers = Handlers::default();
    handlers.on::<ChangePushed, _>(Arc::clone(&writer));
    let dispatcher = Dispatcher::new(of.units.clone(), of.log.clone(), catalog(), Arc::new(handlers));
    let mut running = Running::default();
    running.spawn(|stop| async move { dispatcher.run(stop).await.expect("events") });
    let good: Vec<&String> = names.iter().filter(|name| !name.contains("bad")).collect();
    of.effects_of(good.len()).await;
    of.open_letters(3).await;
    running.drain().await;
    assert_eq!(of.effects().await.iter().collect::<Vec<_>>(), good, "once each, in order");
    assert_eq!(of.open_letters(3).await.len(), 3);
    assert!(writer.attempts.load(Ordering::Relaxed) > names.len(), "one rejection took the batch back");
}

//! A handler that passes no error on. PostgreSQL would answer the commit of its transaction with a rollback, and no error.

use std::sync::Arc;

use septet_contract::{Cause, Event};
use septet_messaging::{Cx, Dispatcher, Handle, HandleError, Handlers};
use septet_proto_devops::v1::ChangePushed;
use septet_store::on_engine;

use crate::{
    fixture::{Fixture, Running, catalog, on_each_engine, pushed, record_of},
    service::effect,
};

on_each_engine! {
    an_error_that_is_passed_over_loses_no_event
    a_commit_does_not_pass_over_an_error
}

/// Writes an effect for each event, and for one of them asks for a table that is not there.
struct Careless;

impl Handle<ChangePushed> for Careless {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        let name = event.change.map_or(event.change_id, |change| change.commit);
        effect(cx, &name).await?;
        if name == "careless" {
            fail_unseen(cx).await?;
        }
        Ok(())
    }
}

async fn fail_unseen(cx: &mut Cx) -> Result<(), HandleError> {
    on_engine!(cx.tx().await?, conn => sqlx::query("DELETE FROM nowhere").execute(conn).await.map(drop))
        .expect_err("there is no such table");
    Ok(())
}

async fn an_error_that_is_passed_over_loses_no_event(of: Fixture) {
    // The careless one is the last of its batch: no later statement shows that the transaction has failed.
    let names = ["a", "b", "careless"];
    of.append(ChangePushed::TOPIC, names.map(|name| record_of(&pushed("key", name)))).await;
    let mut handlers = Handlers::default();
    handlers.on::<ChangePushed, _>(Arc::new(Careless));
    let dispatcher = Dispatcher::new(of.units.clone(), of.log.clone(), catalog(), Arc::new(handlers));
    let mut running = Running::default();
    running.spawn(|stop| async move { dispatcher.run(stop).await.expect("events") });
    if of.store.is_shared() {
        // It fails each time.
        assert_eq!(of.open_letters(1).await.len(), 1);
        running.drain().await;
        assert_eq!(of.effects().await, ["a", "b"]);
    } else {
        // A statement that fails undoes itself alone.
        of.effects_of(3).await;
        running.drain().await;
        assert_eq!(of.effects().await, names);
    }
}

async fn a_commit_does_not_pass_over_an_error(of: Fixture) {
    let mut cx = of.units.begin(Cause::default());
    effect(&mut cx, "a").await.expect("written");
    fail_unseen(&mut cx).await.expect("passed over");
    let committed = cx.commit().await.is_ok();
    assert_eq!(of.effects().await.len(), usize::from(committed), "what was committed is there");
}

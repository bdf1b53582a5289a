//! What waits in the outbox is sent in order, whatever happens on the way.

use std::{sync::atomic::Ordering, time::Duration};

use septet_contract::{Cause, Event, Message};
use septet_messaging::{DeadLetterState, Relay, dead_letter_topic, log::TopicSettings};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::ReviewCompleted;
use septet_store::{Leases, on_engine};
use septet_testkit::{eventually, within};

use crate::{
    faulty_log::{Fault, FaultyLog},
    fixture::{Engine, Fixture, Running, envelope, on_each_engine, pushed},
    service::completed,
};

on_each_engine! {
    rows_wait_for_the_log_and_leave_in_order
    a_topic_that_does_not_exist_holds_up_no_other
    only_what_was_acknowledged_is_deleted
    a_lost_answer_repeats_and_the_inbox_drops_it
    what_the_log_never_takes_is_a_dead_letter
    a_dead_letter_that_the_log_does_not_take_ends_there
}

async fn publish(of: &Fixture, names: impl IntoIterator<Item = String>) {
    for name in names {
        let mut cx = of.units.begin(Cause::default());
        cx.publish(&completed(&name)).expect("drafted");
        cx.commit().await.expect("committed");
    }
}

fn relay(of: &Fixture, log: std::sync::Arc<FaultyLog>) -> Running {
    let mut running = Running::default();
    let leases = Leases::new(of.store.clone(), "test".to_owned(), Duration::from_secs(8));
    running.spawn_relay(Relay::events(of.units.clone(), leases, log));
    running
}

/// Ids of the events with this key, in the log's order.
async fn ids_of(of: &Fixture, key: &str) -> Vec<String> {
    let records = of.records(ReviewCompleted::TOPIC).await;
    let of_key = records.iter().map(envelope).filter(|envelope| envelope.subject.as_deref() == Some(key));
    of_key.map(|envelope| envelope.id).collect()
}

async fn sent(of: &Fixture) {
    eventually("the outbox is empty", async || {
        (of.units.pending().await.expect("counted").rows == 0).then_some(())
    })
    .await;
}

async fn rows_wait_for_the_log_and_leave_in_order(of: Fixture) {
    let log = FaultyLog::new(of.log.clone(), Fault::Away);
    publish(&of, (0..50).map(|number| (number % 5).to_string())).await;
    let running = relay(&of, log.clone());
    eventually("it tries", async || (log.appends.load(Ordering::Relaxed) >= 1).then_some(())).await;
    assert_eq!(of.units.pending().await.expect("counted").rows, 50, "all rows stay");
    eventually("it tries again and again", async || (log.appends.load(Ordering::Relaxed) >= 3).then_some(()))
        .await;
    assert_eq!(of.units.pending().await.expect("counted").rows, 50, "all rows stay");
    log.set(Fault::None);
    sent(&of).await;
    running.drain().await;
    for key in 0..5 {
        let ids = ids_of(&of, &key.to_string()).await;
        assert_eq!(ids.len(), 10);
        // Ids rise with time.
        assert!(ids.is_sorted(), "in the order of the commits: {ids:?}");
    }
}

async fn a_topic_that_does_not_exist_holds_up_no_other(of: Fixture) {
    const ABSENT: &str = "absent.v1";
    // More than the relay reads at a time.
    let many = 1_500;
    let mut cx = of.units.begin(Cause::default());
    for number in 0..many {
        cx.publish(&completed(&number.to_string())).expect("drafted");
    }
    cx.commit().await.expect("committed");
    let mut tx = of.store.begin().await.expect("begun");
    on_engine!(&mut tx, conn =>
        sqlx::query("UPDATE outbox SET destination = $1").bind(ABSENT).execute(conn).await.map(drop))
    .expect("updated");
    tx.commit().await.expect("committed");
    publish(&of, ["other".to_owned()]).await;
    let running = relay(&of, FaultyLog::new(of.log.clone(), Fault::None));
    eventually("the other topic's event", async || (ids_of(&of, "other").await.len() == 1).then_some(()))
        .await;
    assert_eq!(of.units.pending().await.expect("counted").rows, many, "those of the absent topic wait");

    let topic = TopicSettings {
        name: ABSENT.to_owned(),
        partitions: 1,
        retention: Duration::from_secs(3600),
        retention_bytes: None,
    };
    of.log.apply_topics(&[topic]).await.expect("applied");
    sent(&of).await;
    running.drain().await;
    let records = of.records(ABSENT).await;
    let ids: Vec<String> = records.iter().map(|record| envelope(record).id).collect();
    assert_eq!(ids.len() as u64, many);
    assert!(ids.is_sorted(), "in the order of the commits");
}

async fn only_what_was_acknowledged_is_deleted(of: Fixture) {
    let log = FaultyLog::new(of.log.clone(), Fault::Flaky);
    publish(&of, (0..60).map(|number| (number % 7).to_string())).await;
    let running = relay(&of, log);
    sent(&of).await;
    running.drain().await;
    for key in 0..7 {
        let ids = ids_of(&of, &key.to_string()).await;
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    }
    assert_eq!(of.records(ReviewCompleted::TOPIC).await.len(), 60, "each once");
}

async fn a_lost_answer_repeats_and_the_inbox_drops_it(of: Fixture) {
    let log = FaultyLog::new(of.log.clone(), Fault::AnswerLost);
    for name in ["a", "b", "c"] {
        let mut cx = of.units.begin(Cause::default());
        cx.publish(&pushed("key", name)).expect("drafted");
        cx.commit().await.expect("committed");
    }
    let running = of.start_with(&of.units, &of.service, log.clone());
    eventually("it sends again", async || (log.appends.load(Ordering::Relaxed) >= 3).then_some(())).await;
    log.set(Fault::None);
    of.idle().await;
    running.drain().await;
    assert!(of.records(ChangePushed::TOPIC).await.len() > 6, "they are there several times");
    assert_eq!(of.effects().await, ["a", "b", "c"], "and were handled once, in order");
}

async fn what_the_log_never_takes_is_a_dead_letter(of: Fixture) {
    let log = FaultyLog::new(of.log.clone(), Fault::TooLarge(vec![ReviewCompleted::TOPIC.to_owned()]));
    publish(&of, ["a".to_owned()]).await;
    let running = relay(&of, log.clone());
    let letter = of.open_letters(1).await.remove(0);
    sent(&of).await;
    assert_eq!((letter.reason.as_str(), letter.origin.as_str()), ("unpublishable", ReviewCompleted::TOPIC));
    assert_eq!(letter.r#type, ReviewCompleted::TYPE);
    assert_eq!(of.records(&dead_letter_topic("review")).await.len(), 1);
    // Once the log takes it, a redrive sends it where it was to go.
    log.set(Fault::None);
    of.letters().redrive(&letter.id, None, false, "ann").await.expect("asked").expect("it was open");
    sent(&of).await;
    running.drain().await;
    assert_eq!(of.published().await, ["a"]);
}

async fn a_dead_letter_that_the_log_does_not_take_ends_there(of: Fixture) {
    let everything = vec![ReviewCompleted::TOPIC.to_owned(), dead_letter_topic("review")];
    let log = FaultyLog::new(of.log.clone(), Fault::TooLarge(everything));
    publish(&of, ["a".to_owned()]).await;
    let running = relay(&of, log);
    of.open_letters(1).await;
    sent(&of).await;
    running.drain().await;
    let letters = of.letters().list(DeadLetterState::Open, None, 100).await.expect("listed");
    assert_eq!(letters.len(), 1, "a dead letter of a dead letter helps nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_relays_one_is_active_and_the_other_takes_over() {
    let Some(of) = Fixture::on(Engine::Postgres, "relays::two").await else { return };
    let lease = Duration::from_millis(900);
    let logs = [Fault::Away, Fault::Away].map(|fault| FaultyLog::new(of.log.clone(), fault));
    let mut relays: Vec<Running> = Vec::new();
    for (number, log) in logs.iter().enumerate() {
        let mut running = Running::default();
        let leases = Leases::new(of.store.clone(), format!("replica {number}"), lease);
        // Each replica counts for itself.
        let units = septet_messaging::Units::new(of.store.clone(), "review", crate::fixture::settings());
        running.spawn_relay(Relay::events(units, leases, log.clone()));
        relays.push(running);
    }
    let appends = || logs.each_ref().map(|log| log.appends.load(Ordering::Relaxed));
    publish(&of, ["first".to_owned()]).await;
    eventually("one tries again and again", async || {
        appends().into_iter().any(|tries| tries >= 10).then_some(())
    })
    .await;
    logs.iter().for_each(|log| log.set(Fault::None));
    for round in 0..9 {
        publish(&of, [format!("before {round}")]).await;
        sent(&of).await;
    }
    let [one, other] = appends();
    assert!(one == 0 || other == 0, "both were active: {one} and {other}");
    let active = usize::from(one == 0);
    // Killed, it gives nothing back: the other one waits for the end of the lease.
    relays.remove(active).kill().await;
    let killed = std::time::Instant::now();
    publish(&of, ["after".to_owned()]).await;
    sent(&of).await;
    assert!(killed.elapsed() < lease * 4, "{:?}", killed.elapsed());
    assert!(appends()[1 - active] > 0, "the other one has sent it");
    // Drained, it gives the lease back at once.
    relays.remove(0).drain().await;
    let third = Leases::new(of.store.clone(), "third".to_owned(), lease);
    let now = septet_contract::Timestamp::now().micros();
    assert!(third.hold("relay-event", now).await.expect("asked"));
    assert_eq!(of.records(ReviewCompleted::TOPIC).await.len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_stood_still_beyond_its_lease_breaks_no_order() {
    let Some(of) = Fixture::on(Engine::Postgres, "relays::stood_still").await else { return };
    let publish = async |names: [&str; 2]| {
        for name in names {
            let mut cx = of.units.begin(Cause::default());
            cx.publish(&pushed("key", name)).expect("drafted");
            cx.commit().await.expect("committed");
        }
    };
    let started = |owner: &str, log: &std::sync::Arc<FaultyLog>| {
        let leases = Leases::new(of.store.clone(), owner.to_owned(), Duration::from_millis(600));
        let units = septet_messaging::Units::new(of.store.clone(), "review", crate::fixture::settings());
        let mut running = Running::default();
        running.spawn_relay(Relay::events(units, leases, log.clone()));
        running
    };
    let (stopped, active) =
        (FaultyLog::new(of.log.clone(), Fault::Waits), FaultyLog::new(of.log.clone(), Fault::None));
    publish(["a", "b"]).await;
    let first = started("first", &stopped);
    // As a process is that was stopped in the middle of sending: it has read the rows, and knows nothing of the time.
    eventually("it has rows in hand", async || (stopped.appends.load(Ordering::Relaxed) == 1).then_some(()))
        .await;
    let second = started("second", &active);
    publish(["c", "d"]).await;
    sent(&of).await;
    stopped.set(Fault::None);
    stopped.gate.add_permits(1);
    eventually("it has sent what it had", async || {
        (of.records(ChangePushed::TOPIC).await.len() == 6).then_some(())
    })
    .await;
    first.drain().await;
    second.drain().await;
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(of.effects().await, ["a", "b", "c", "d"], "what came late was known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_the_relay() {
    // Where nobody else writes, the relay looks by itself every 5 s only.
    let of = Fixture::sqlite("relays::wakes").await;
    publish(&of, ["first".to_owned()]).await;
    let running = relay(&of, FaultyLog::new(of.log.clone(), Fault::None));
    sent(&of).await;
    publish(&of, ["second".to_owned()]).await;
    within(Duration::from_secs(4), "the relay to be woken", sent(&of)).await;
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_becomes_visible_late_is_sent() {
    let Some(of) = Fixture::on(Engine::Postgres, "relays::late").await else { return };
    // A transaction that has its number and stands still before it commits.
    const STAND_STILL: &str = "
        CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END';
        CREATE TRIGGER stand_still AFTER INSERT ON outbox FOR EACH ROW
            WHEN (NEW.key = 'slow'::bytea) EXECUTE FUNCTION stand_still();";
    let mut setup = of.store.begin().await.expect("begun");
    on_engine!(&mut setup, conn => sqlx::raw_sql(STAND_STILL).execute(conn).await.map(drop)).expect("set up");
    setup.commit().await.expect("set up");
    let mut barrier = of.store.begin().await.expect("begun");
    on_engine!(&mut barrier, conn => sqlx::query("SELECT pg_advisory_xact_lock(7)").execute(conn).await.map(drop))
        .expect("taken");
    let slow = tokio::spawn({
        let units = of.units.clone();
        async move {
            let mut cx = units.begin(Cause::default());
            cx.publish(&completed("slow")).expect("drafted");
            cx.commit().await.expect("committed");
        }
    });
    eventually("it stands still", async || {
        let mut tx = of.store.read().await.expect("begun");
        let waiting: i64 = on_engine!(&mut tx, conn => sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_locks JOIN pg_database AS here ON here.oid = database
             WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted",
        ).fetch_one(conn).await)
        .expect("counted");
        (waiting == 1).then_some(())
    })
    .await;
    let running = relay(&of, FaultyLog::new(of.log.clone(), Fault::None));
    publish(&of, ["overtakes".to_owned()]).await;
    sent(&of).await;
    barrier.rollback().await.expect("let go");
    slow.await.expect("committed");
    publish(&of, ["z".to_owned()]).await;
    eventually("the last one is sent", async || of.published().await.contains(&"z".to_owned()).then_some(()))
        .await;
    running.drain().await;
    assert_eq!(of.published().await, ["overtakes", "slow", "z"]);
}

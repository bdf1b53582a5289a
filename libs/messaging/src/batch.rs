use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use septet_contract::{Cause, Timestamp};
use septet_telemetry::{metrics::names, propagation};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    Cx, CxError, HandleError, Reason, Units,
    dead_letter::Burial,
    delivery::{Delivery, EventDelivery},
    dispatch::Context,
    handle::guarded,
    inbox::{self, Identity},
};

/// Handles deliveries of one partition in order: many in one transaction while all goes well, else one by one.
pub(crate) struct BatchHandler {
    pub units: Units,
    pub context: Arc<Context>,
    pub stop: CancellationToken,
    /// Transactions to come that set savepoints: some more after each rejection that had something to undo.
    pub wary: AtomicU32,
}

/// How long a transaction of several events may take: others wait for the locks that it holds, on SQLite every writer.
const LONGEST: Duration = Duration::from_secs(1);

/// How many transactions set savepoints after a rejection that had something to undo: where one is, more are.
const WARY: u32 = 16;

/// Why a transaction of several events was undone.
enum Undone {
    /// The event at this offset was rejected, and its changes cannot be told from those of the events before it: all again
    /// but this one, with savepoints.
    Rejected(i64, Box<Burial>),
    /// They are tried one by one.
    GiveUp,
}

impl BatchHandler {
    /// Handles deliveries in order; gives the offset up to which all is done.
    pub async fn handle(&self, deliveries: &[(i64, Delivery)]) -> Option<i64> {
        let mut done = None;
        let mut rest = deliveries;
        let mut rejected = HashMap::new();
        while !rest.is_empty() && !self.stop.is_cancelled() {
            match self.handle_together(rest, &rejected).await {
                Ok(count) => {
                    let (handled, others) = rest.split_at(count);
                    done = handled.last().map(|(offset, _)| offset + 1).or(done);
                    rest = others;
                }
                Err(Undone::Rejected(offset, burial)) => {
                    self.wary.store(WARY, Ordering::Relaxed);
                    rejected.insert(offset, *burial);
                }
                Err(Undone::GiveUp) => return self.handle_one_by_one(rest).await.or(done),
            }
        }
        done
    }

    async fn handle_one_by_one(&self, deliveries: &[(i64, Delivery)]) -> Option<i64> {
        planted!(RetryOvertaken => return crate::planted::retry_last(self, deliveries).await);
        let mut done = None;
        for (offset, delivery) in deliveries {
            if self.stop.is_cancelled() || !self.handle_alone(delivery).await {
                break;
            }
            done = Some(offset + 1);
        }
        done
    }

    /// The first ones in one transaction: as many as can be handled in [`LONGEST`], and no more once this is to stop. One
    /// that is rejected is dead-lettered in the same transaction; where it has changed something, that takes a savepoint
    /// before each, which is only set while there is reason to. One that fails otherwise undoes everything. Gives how
    /// many, at least one.
    async fn handle_together(
        &self,
        deliveries: &[(i64, Delivery)],
        rejected: &HashMap<i64, Burial>,
    ) -> Result<usize, Undone> {
        if deliveries.iter().all(|(_, delivery)| matches!(delivery, Delivery::Unhandled)) {
            return Ok(deliveries.len());
        }
        let began = Instant::now();
        let identities: Vec<Identity> =
            deliveries.iter().filter_map(|(_, delivery)| delivery.identity().cloned()).collect();
        let give_up = |error: CxError| {
            tracing::debug!(%error, "a batch was given up");
            Undone::GiveUp
        };
        let wary = self.wary.load(Ordering::Relaxed);
        self.wary.store(wary.saturating_sub(1), Ordering::Relaxed);
        let savepoints = wary > 0;
        self.units.admit().map_err(give_up)?;
        let mut tx = self.units.store().begin().await.map_err(|error| give_up(error.into()))?;
        let mut fresh = inbox::enter(&mut tx, &self.context.consumer, &identities, Timestamp::now())
            .await
            .map_err(|error| give_up(error.into()))?;
        planted!(FreshSetIgnored => fresh = identities.iter().cloned().collect());
        if savepoints {
            tx.set_savepoint().await.map_err(|error| give_up(error.into()))?;
        }
        let mut cx = self.units.adopt(tx);
        let mut finished = Vec::with_capacity(fresh.len());
        let mut buried = Vec::new();
        let (mut count, mut duplicates) = (0, 0);
        for (offset, delivery) in deliveries {
            if count > 0 && (self.stop.is_cancelled() || began.elapsed() > LONGEST) {
                break;
            }
            count += 1;
            // Taken out, so that the second of two equal ones in a batch is the duplicate.
            if delivery.identity().is_some_and(|identity| !fresh.remove(identity)) {
                duplicates += 1;
                continue;
            }
            match delivery {
                Delivery::Unhandled => continue,
                Delivery::Unreadable(unreadable) => {
                    planted!(PoisonSkipped => continue);
                    cx.turn_to(Cause::default());
                    cx.bury(unreadable.burial.clone()).await.map_err(give_up)?;
                    buried.push(unreadable.burial.reason);
                }
                Delivery::Event(event) => {
                    let handled = match rejected.get(offset) {
                        None => self.attempt_in(&mut cx, event, savepoints).await?,
                        Some(burial) => {
                            cx.turn_to(event.cause());
                            cx.bury(burial.clone()).await.map_err(give_up)?;
                            false
                        }
                    };
                    if !handled {
                        buried.push(Reason::REJECTED);
                    }
                    finished.push((event, if handled { "handled" } else { "dead_lettered" }));
                }
            }
            if savepoints {
                let tx = cx.tx().await.map_err(give_up)?;
                tx.move_savepoint().await.map_err(|error| give_up(error.into()))?;
            }
        }
        // What is left here was entered, and its turn did not come.
        let left: Vec<Identity> = fresh.into_iter().collect();
        planted!(TurnNeverCame: left = Vec::new());
        inbox::leave(cx.tx().await.map_err(give_up)?, &self.context.consumer, &left)
            .await
            .map_err(|error| give_up(error.into()))?;
        planted!(CommitErrorIgnored => { cx.commit().await.ok(); return Ok(count) });
        cx.commit().await.map_err(give_up)?;
        self.count_duplicates(duplicates);
        buried.into_iter().for_each(|reason| self.count_dead_letter(reason));
        for (event, outcome) in finished {
            self.observe(event, outcome, began);
        }
        Ok(count)
    }

    /// One event of a batch; false if it was rejected and is dead-lettered.
    async fn attempt_in(&self, cx: &mut Cx, event: &EventDelivery, savepoints: bool) -> Result<bool, Undone> {
        let (drafted, waiting) = (cx.drafted(), cx.waiting());
        cx.turn_to(event.cause());
        match self.attempt(cx, event).await {
            Ok(()) => Ok(true),
            Err(HandleError::Retry(_)) => Err(Undone::GiveUp),
            Err(HandleError::Reject { code, message }) => {
                let burial = event.burial(Reason::REJECTED, format!("{code}: {message}"), 1);
                if cx.is_touched() && !savepoints {
                    return Err(Undone::Rejected(event.origin.offset, Box::new(burial)));
                }
                planted!(RejectedDraftsKept: drafted = usize::MAX);
                cx.forget_after(drafted, waiting);
                let undone = async {
                    if cx.is_touched() {
                        self.wary.store(WARY, Ordering::Relaxed);
                        planted!(SavepointKept => cx.tx().await?.move_savepoint().await?);
                        cx.tx().await?.rollback_to_savepoint().await?;
                    }
                    cx.bury(burial).await
                };
                undone.await.map_err(|_| Undone::GiveUp)?;
                Ok(false)
            }
        }
    }

    /// One delivery in a transaction of its own, again and again until it is handled or given up. False if this was
    /// stopped before.
    pub async fn handle_alone(&self, delivery: &Delivery) -> bool {
        let mut failed = 0;
        let mut outages = 0;
        loop {
            let result = match delivery {
                Delivery::Unhandled => return true,
                Delivery::Unreadable(unreadable) => {
                    let buried = self.bury(&unreadable.identity, unreadable.burial.clone()).await;
                    buried.map_err(HandleError::from)
                }
                Delivery::Event(event) => self.handle_once(event, failed).await,
            };
            let error = match result {
                Ok(()) => return true,
                Err(error) if error.is_done() => {
                    self.count_duplicates(1);
                    return true;
                }
                Err(error) => error,
            };
            // A database or service that is away says nothing about the event: that is waited for, however long.
            let outage =
                error.is_outage() || self.units.admit().is_err() || self.units.store().ping().await.is_err();
            if outage {
                outages += 1;
                tracing::warn!(
                    error = describe(&error),
                    "waiting for the database, the outbox or another service"
                );
            } else {
                failed += 1;
                counter!(names::HANDLER_RETRIES_TOTAL, "service" => self.service(), "type" => delivery.type_name())
                    .increment(1);
                tracing::warn!(
                    error = describe(&error),
                    r#type = delivery.type_name(),
                    failed,
                    "an attempt failed"
                );
            }
            planted!(RetrySkipsEvent => return true);
            let backoff = self.units.settings().backoff();
            let pause = if outage { backoff.while_away(outages) } else { backoff.pause(failed) };
            if self.paused(pause).await.is_break() {
                return false;
            }
        }
    }

    /// One attempt, or the burial after the last.
    pub async fn handle_once(&self, event: &EventDelivery, failed: u32) -> Result<(), HandleError> {
        let began = Instant::now();
        let mut cx = self.units.begin_claimed(&self.context.consumer, event.identity.clone(), event.cause());
        cx.tx().await?;
        let result = match self.attempt(&mut cx, event).await {
            // A commit that the database refuses is an attempt that failed, and may fail each time.
            Ok(()) => cx.commit().await.map_err(HandleError::from),
            Err(error) => {
                drop(cx);
                Err(error)
            }
        };
        let attempts = failed + 1;
        let burial = match result {
            Ok(()) => {
                self.observe(event, "handled", began);
                return Ok(());
            }
            Err(HandleError::Reject { code, message }) => {
                event.burial(Reason::REJECTED, format!("{code}: {message}"), attempts)
            }
            Err(error) if error.is_outage() => return Err(error),
            Err(HandleError::Retry(error)) if attempts >= self.units.settings().attempts => {
                // Not if it is the database that fails.
                self.units.store().ping().await?;
                event.burial(Reason::RETRIES_EXHAUSTED, error.to_string(), attempts)
            }
            Err(error) => return Err(error),
        };
        self.bury(&event.identity, burial).await?;
        self.observe(event, "dead_lettered", began);
        Ok(())
    }

    async fn bury(&self, identity: &Identity, burial: Burial) -> Result<(), CxError> {
        let reason = burial.reason;
        let cause = Cause::default();
        let mut cx = self.units.begin_claimed(&self.context.consumer, identity.clone(), cause);
        cx.bury(burial).await?;
        cx.commit().await?;
        self.count_dead_letter(reason);
        Ok(())
    }

    async fn attempt(&self, cx: &mut Cx, event: &EventDelivery) -> Result<(), HandleError> {
        let span =
            tracing::info_span!("handle", service = self.units.service(), r#type = event.envelope.r#type);
        if let Some(traceparent) = &event.envelope.traceparent {
            propagation::set_parent(&span, traceparent);
            propagation::add_link(&span, traceparent);
        }
        guarded(&*event.run, cx, event.data(), self.units.settings().handler_timeout()).instrument(span).await
    }

    /// Waits before another try; breaks if it is stopped meanwhile.
    pub async fn paused(&self, pause: Duration) -> ControlFlow<()> {
        tokio::select! {
            () = self.stop.cancelled() => ControlFlow::Break(()),
            () = tokio::time::sleep(pause) => ControlFlow::Continue(()),
        }
    }

    fn observe(&self, event: &EventDelivery, outcome: &'static str, began: Instant) {
        let name = event.envelope.r#type.clone();
        histogram!(names::MESSAGING_PROCESS_DURATION_SECONDS, "service" => self.service(), "type" => name.clone(), "outcome" => outcome)
            .record(began.elapsed().as_secs_f64());
        histogram!(names::EVENT_AGE_SECONDS, "service" => self.service(), "type" => name)
            .record(event.age_seconds());
    }

    fn count_dead_letter(&self, reason: Reason) {
        counter!(names::DEAD_LETTERS_TOTAL, "service" => self.service(), "reason" => reason.as_str())
            .increment(1);
    }

    fn count_duplicates(&self, count: usize) {
        if count > 0 {
            counter!(names::INBOX_DUPLICATES_TOTAL, "service" => self.service()).increment(count as u64);
        }
    }

    fn service(&self) -> String {
        self.units.service().to_owned()
    }
}

impl Delivery {
    fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Event(event) => Some(&event.identity),
            Self::Unreadable(unreadable) => Some(&unreadable.identity),
            Self::Unhandled => None,
        }
    }

    fn type_name(&self) -> String {
        match self {
            Self::Event(event) => event.envelope.r#type.clone(),
            Self::Unreadable(_) | Self::Unhandled => String::new(),
        }
    }
}

fn describe(error: &HandleError) -> String {
    match error {
        HandleError::Retry(error) => error.to_string(),
        HandleError::Reject { code, message } => format!("{code}: {message}"),
    }
}

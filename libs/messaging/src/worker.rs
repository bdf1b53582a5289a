use std::{sync::Arc, time::Instant};

use metrics::{counter, histogram};
use septet_contract::{Catalog, Cause, Envelope, Record, Timestamp, cloudevents, json::Limits};
use septet_telemetry::{metrics::names, propagation};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    CxError, HandleError, Handlers, Lane, Reason, Units,
    dead_letter::Burial,
    handle::{Registered, guarded},
    inbox::{self, Identity},
    queue::{Delivery, QueueError, SharedQueue},
    start,
};

/// Takes jobs from the queues that a service works on.
pub struct Worker {
    units: Units,
    queue: SharedQueue,
    catalog: Catalog,
    handlers: Arc<Handlers>,
    limits: Limits,
}

/// Attempts at a job that crashed its worker each time, past which it is dead-lettered unseen.
const CRASHES: u32 = 3;

/// Which attempt at a job this is.
#[derive(Clone, Copy)]
enum Attempt {
    /// At most this one: the queue counts what only waited, too.
    Delivered(u32),
    /// This one.
    Begun(u32),
}

impl Attempt {
    fn number(self) -> u32 {
        let (Self::Delivered(number) | Self::Begun(number)) = self;
        number
    }
}

impl Worker {
    /// A worker for a service's jobs.
    pub fn new(units: Units, queue: SharedQueue, catalog: Catalog, handlers: Arc<Handlers>) -> Self {
        let limits = Limits { max_bytes: units.settings().max_message_bytes, ..Limits::default() };
        Self { units, queue, catalog, handlers, limits }
    }

    /// Works until `stop`, then finishes the jobs in hand.
    ///
    /// # Errors
    /// [`QueueError`] where the queue says something that waiting does not mend, or a bug ended a loop; the process
    /// should end.
    pub async fn run(self, stop: CancellationToken) -> Result<(), QueueError> {
        let worker = Arc::new(self);
        let mut loops = JoinSet::new();
        for queue in worker.handlers.queues() {
            for _ in 0..worker.units.settings().workers.max(1) {
                loops.spawn(Arc::clone(&worker).take_jobs(queue.clone(), stop.clone()));
            }
        }
        while let Some(ended) = loops.join_next().await {
            ended.map_err(|error| QueueError::Invalid(format!("a worker's loop panicked: {error}")))??;
        }
        Ok(())
    }

    async fn take_jobs(self: Arc<Self>, queue: String, stop: CancellationToken) -> Result<(), QueueError> {
        let mut failures = 0;
        let mut consumer = None;
        loop {
            let jobs = match &mut consumer {
                Some(jobs) => jobs,
                None => match self.queue.consume(&queue, self.units.settings().prefetch).await {
                    Ok(jobs) => consumer.insert(jobs),
                    Err(error) => {
                        failures = self.wait(error, failures, &stop).await?;
                        if stop.is_cancelled() {
                            return Ok(());
                        }
                        continue;
                    }
                },
            };
            let delivery = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                delivery = jobs.next() => delivery,
            };
            match delivery {
                Ok(delivery) => {
                    failures = 0;
                    self.settle(&queue, delivery, &stop).await;
                }
                Err(error) => failures = self.wait(error, failures, &stop).await?,
            }
        }
    }

    async fn wait(
        &self,
        error: QueueError,
        failures: u32,
        stop: &CancellationToken,
    ) -> Result<u32, QueueError> {
        if stop.is_cancelled() {
            return Ok(failures);
        }
        if !error.is_transient() && !matches!(error, QueueError::UnknownQueue(_)) {
            return Err(error);
        }
        tracing::warn!(%error, "the queue is not available");
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(self.units.settings().backoff().while_away(failures + 1)) => {}
        }
        Ok(failures + 1)
    }

    /// Does a job and tells the queue. Losing the lease is no harm: the job comes again, and the inbox knows it.
    async fn settle(&self, queue: &str, delivery: Delivery, stop: &CancellationToken) {
        let Delivery { record, attempt, lease } = delivery;
        planted!(JobAckedBeforeCommit: lease = crate::planted::acknowledged(lease).await);
        let backoff = self.units.settings().backoff();
        let mut outages = 0;
        let mut attempt = Attempt::Delivered(attempt);
        let settled = loop {
            let Err(error) = self.try_once(queue, &record, &mut attempt).await else { break Ok(()) };
            let outage =
                error.is_outage() || self.units.admit().is_err() || self.units.store().ping().await.is_err();
            if !outage {
                break Err(error);
            }
            // Kept meanwhile: given back, it would use up its attempts while the database is away.
            outages += 1;
            tracing::warn!(error = %describe(&error), queue, "a job waits for the database or the outbox");
            tokio::select! {
                () = stop.cancelled() => break Err(error),
                () = tokio::time::sleep(backoff.while_away(outages)) => {}
            }
        };
        let told = match settled {
            Ok(()) => lease.ack().await,
            Err(error) => {
                let attempt = attempt.number();
                tracing::warn!(error = %describe(&error), queue, attempt, "a job failed and comes again");
                lease.retry(backoff.pause(attempt)).await
            }
        };
        if let Err(error) = told {
            tracing::warn!(%error, queue, "the queue was not told of a job's outcome; the job comes again");
        }
    }

    async fn try_once(&self, queue: &str, record: &Record, attempt: &mut Attempt) -> Result<(), HandleError> {
        match cloudevents::decode_job(record, &self.catalog, &self.limits) {
            Err(error) => {
                let identity = Identity {
                    source: format!("/queue/{queue}"),
                    id: format!("{:016x}", fingerprint(record)),
                };
                let reason = Reason::undecodable(error.reason());
                let burial =
                    self.burial(queue, "", attempt.number(), reason, error.to_string(), record.clone());
                self.bury(&identity, burial).await
            }
            Ok(job) => self.work(queue, &job, record.clone(), attempt).await,
        }
    }

    async fn work(
        &self,
        queue: &str,
        job: &Envelope,
        record: Record,
        attempt: &mut Attempt,
    ) -> Result<(), HandleError> {
        let identity = Identity { source: job.source.clone(), id: job.id.clone() };
        let Some(worker) = self.handlers.job(&job.r#type) else {
            let error = format!("this version has no worker for {}", job.r#type);
            let burial = self.burial(queue, &job.r#type, attempt.number(), Reason::REJECTED, error, record);
            return self.bury(&identity, burial).await;
        };
        let began = Instant::now();
        let consumer = self.units.service();
        if inbox::contains(&mut self.units.read().await?, consumer, &identity).await? {
            counter!(names::INBOX_DUPLICATES_TOTAL, "service" => consumer.to_owned()).increment(1);
            return Ok(());
        }
        if let Attempt::Delivered(delivery) = *attempt {
            let now = Timestamp::now();
            *attempt = Attempt::Begun(start::note(self.units.store(), &identity, delivery, now).await?);
        }
        let attempt = attempt.number();
        let result = if attempt > worker.max_attempts.saturating_add(CRASHES) {
            Err(HandleError::Retry("its worker crashed each time".into()))
        } else {
            self.attempt(worker, job, &identity).await
        };
        let outcome = match result {
            Ok(()) => "done",
            Err(HandleError::Reject { code, message }) => {
                let burial = self.burial(
                    queue,
                    &job.r#type,
                    attempt,
                    Reason::REJECTED,
                    format!("{code}: {message}"),
                    record,
                );
                self.bury(&identity, burial).await?;
                "dead_lettered"
            }
            Err(error) if error.is_outage() => return Err(error),
            Err(HandleError::Retry(error)) if attempt >= worker.max_attempts => {
                // Not if it is the database that fails.
                self.units.store().ping().await?;
                let burial = self.burial(
                    queue,
                    &job.r#type,
                    attempt,
                    Reason::RETRIES_EXHAUSTED,
                    error.to_string(),
                    record,
                );
                self.bury(&identity, burial).await?;
                "dead_lettered"
            }
            Err(error) => {
                counter!(names::JOBS_RETRIES_TOTAL, "service" => consumer.to_owned(), "job" => job.r#type.clone())
                    .increment(1);
                return Err(error);
            }
        };
        histogram!(names::JOBS_PROCESS_DURATION_SECONDS, "service" => consumer.to_owned(), "job" => job.r#type.clone(), "outcome" => outcome)
            .record(began.elapsed().as_secs_f64());
        Ok(())
    }

    async fn attempt(
        &self,
        worker: &Registered,
        job: &Envelope,
        identity: &Identity,
    ) -> Result<(), HandleError> {
        let cause = Cause {
            id: Some(job.id.clone()),
            correlation_id: job.correlation_id.clone(),
            traceparent: job.traceparent.clone(),
        };
        let span = tracing::info_span!("work", service = self.units.service(), r#type = job.r#type);
        if let Some(traceparent) = &job.traceparent {
            propagation::set_parent(&span, traceparent);
        }
        let mut cx = self.units.begin_claimed(self.units.service(), identity.clone(), cause);
        let deadline = self.units.settings().job_timeout();
        let result = guarded(&*worker.run, &mut cx, job.data.clone(), deadline).instrument(span).await;
        match result {
            Err(error) if error.is_done() => Ok(()),
            Err(error) => Err(error),
            Ok(()) => match cx.commit().await {
                Ok(()) | Err(CxError::Done) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    fn burial(
        &self,
        queue: &str,
        r#type: &str,
        attempts: u32,
        reason: Reason,
        error: String,
        record: Record,
    ) -> Burial {
        Burial {
            lane: Lane::Job,
            origin: queue.to_owned(),
            partition: -1,
            offset: -1,
            r#type: r#type.to_owned(),
            attempts,
            reason,
            error,
            record,
        }
    }

    async fn bury(&self, identity: &Identity, burial: Burial) -> Result<(), HandleError> {
        let (name, reason) = (burial.r#type.clone(), burial.reason);
        let service = self.units.service();
        let mut cx = self.units.begin_claimed(service, identity.clone(), Cause::default());
        let buried = async {
            cx.bury(burial).await?;
            cx.commit().await
        };
        match buried.await {
            Ok(()) => {}
            // An earlier delivery came as far as this, and then the queue was not told.
            Err(CxError::Done) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        counter!(names::JOBS_DEAD_LETTERS_TOTAL, "service" => service.to_owned(), "job" => name, "reason" => reason.as_str())
            .increment(1);
        Ok(())
    }
}

/// Tells one unreadable job from another.
fn fingerprint(record: &Record) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    record.value.hash(&mut hasher);
    for header in &record.headers {
        header.key.hash(&mut hasher);
        header.value.hash(&mut hasher);
    }
    hasher.finish()
}

fn describe(error: &HandleError) -> String {
    match error {
        HandleError::Retry(error) => error.to_string(),
        HandleError::Reject { code, message } => format!("{code}: {message}"),
    }
}

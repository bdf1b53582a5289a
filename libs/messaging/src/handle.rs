use std::{
    collections::HashMap, error::Error, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use septet_contract::{Event, Job};
use septet_store::StoreError;

use crate::{Cx, CxError};

/// What a service does about an event of one type.
pub trait Handle<E: Event>: Send + Sync + 'static {
    /// False where handling it again would repeat an effect outside of the service's own database: such a handler cannot
    /// be replayed.
    const REPLAYABLE: bool = true;

    /// Handles the event. All effects go through `cx`, which is committed when this returns `Ok`.
    fn handle(&self, cx: &mut Cx, event: E) -> impl Future<Output = Result<(), HandleError>> + Send;
}

/// What a service does for a job of one type.
pub trait Work<J: Job>: Send + Sync + 'static {
    /// Does the job. Effects in the database go through `cx`, which is committed when this returns `Ok`; a call to the
    /// outside world may happen again after a crash, so it carries an idempotency key.
    fn work(&self, cx: &mut Cx, job: J) -> impl Future<Output = Result<(), HandleError>> + Send;
}

/// Why an event or job was not taken.
#[derive(Debug)]
pub enum HandleError {
    /// Transient: it may succeed later. What `?` on an error of I/O gives.
    Retry(Box<dyn Error + Send + Sync>),
    /// It will never succeed: dead-letter it now. Code and one line for people; neither carries payload.
    Reject {
        /// Stable code, for example `REVIEW-0002`.
        code: &'static str,
        /// One line for people.
        message: String,
    },
}

impl HandleError {
    /// It will never succeed.
    pub fn reject(code: &'static str, message: impl Into<String>) -> Self {
        Self::Reject { code, message: message.into() }
    }

    /// Something that the handler needs does not answer, such as another service: that is waited for, however long, and
    /// counts as no attempt. Not for what may be slow because of this very event or job, as it would be waited for too.
    pub fn outage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry(Box::new(Outage(error.into())))
    }

    /// True if the delivery was handled already, so there is nothing to do.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Retry(error) if matches!(cause_in(&**error), Some(CxError::Done)))
    }

    /// True if it was the database, the outbox or another service that failed: that says nothing about the event or job.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Retry(error) if cause_in(&**error).is_some_and(CxError::is_transient)
            || cause_in(&**error).is_some_and(StoreError::is_transient)
            || cause_in::<Outage>(&**error).is_some())
    }
}

/// Marks what is no failure of the event or job.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Outage(Box<dyn Error + Send + Sync>);

impl<T: Error + Send + Sync + 'static> From<T> for HandleError {
    fn from(error: T) -> Self {
        match cause_in(&error) {
            Some(too_large @ CxError::TooLarge { .. }) => Self::reject("SEPTET-0021", too_large.to_string()),
            _ => Self::Retry(Box::new(error)),
        }
    }
}

/// The first error of a type in a chain of causes.
fn cause_in<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The handlers and workers of one service, by type name.
#[derive(Default)]
pub struct Handlers {
    events: HashMap<&'static str, Registered>,
    jobs: HashMap<&'static str, Registered>,
}

pub(crate) struct Registered {
    /// Topic or queue.
    pub place: &'static str,
    pub replayable: bool,
    pub max_attempts: u32,
    pub run: Arc<dyn Run>,
}

impl Handlers {
    /// Registers a handler for `E`; a second one for the same type replaces it.
    pub fn on<E: Event, S: Handle<E>>(&mut self, service: Arc<S>) {
        let run = Arc::new(EventRun { service, event: std::marker::PhantomData::<fn(E)> });
        self.events
            .insert(E::TYPE, Registered { place: E::TOPIC, replayable: S::REPLAYABLE, max_attempts: 0, run });
    }

    /// Registers a worker for `J`; a second one for the same type replaces it.
    pub fn work<J: Job, S: Work<J>>(&mut self, service: Arc<S>) {
        let run = Arc::new(JobRun { service, job: std::marker::PhantomData::<fn(J)> });
        self.jobs.insert(
            J::TYPE,
            Registered { place: J::QUEUE, replayable: false, max_attempts: J::MAX_ATTEMPTS, run },
        );
    }

    /// Topics of the handled events, sorted.
    pub fn topics(&self) -> Vec<String> {
        Self::places(&self.events)
    }

    /// Queues of the jobs worked on, sorted.
    pub fn queues(&self) -> Vec<String> {
        Self::places(&self.jobs)
    }

    /// Type and replayability of each handled event, sorted.
    pub fn handled(&self) -> Vec<(&'static str, bool)> {
        let mut handled: Vec<_> = self.events.iter().map(|(name, of)| (*name, of.replayable)).collect();
        handled.sort_unstable();
        handled
    }

    /// Types of the jobs worked on, sorted.
    pub fn worked(&self) -> Vec<&'static str> {
        let mut worked: Vec<_> = self.jobs.keys().copied().collect();
        worked.sort_unstable();
        worked
    }

    fn places(registered: &HashMap<&'static str, Registered>) -> Vec<String> {
        let mut places: Vec<_> = registered.values().map(|of| of.place.to_owned()).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    pub(crate) fn event(&self, r#type: &str) -> Option<&Registered> {
        self.events.get(r#type)
    }

    pub(crate) fn job(&self, r#type: &str) -> Option<&Registered> {
        self.jobs.get(r#type)
    }
}

/// A handler or worker whose message type is forgotten.
#[async_trait]
pub(crate) trait Run: Send + Sync {
    async fn run(&self, cx: &mut Cx, data: Bytes) -> Result<(), HandleError>;
}

struct EventRun<E, S> {
    service: Arc<S>,
    event: std::marker::PhantomData<fn(E)>,
}

#[async_trait]
impl<E: Event, S: Handle<E>> Run for EventRun<E, S> {
    async fn run(&self, cx: &mut Cx, data: Bytes) -> Result<(), HandleError> {
        self.service.handle(cx, decode(data)?).await
    }
}

struct JobRun<J, S> {
    service: Arc<S>,
    job: std::marker::PhantomData<fn(J)>,
}

#[async_trait]
impl<J: Job, S: Work<J>> Run for JobRun<J, S> {
    async fn run(&self, cx: &mut Cx, data: Bytes) -> Result<(), HandleError> {
        self.service.work(cx, decode(data)?).await
    }
}

fn decode<M: prost::Message + Default>(data: Bytes) -> Result<M, HandleError> {
    M::decode(data)
        .map_err(|error| HandleError::reject("SEPTET-0001", format!("not a valid message: {error}")))
}

/// Runs a handler with a deadline; a panic is an error that may be transient, and takes nothing else down.
pub(crate) async fn guarded(
    run: &dyn Run,
    cx: &mut Cx,
    data: Bytes,
    deadline: Duration,
) -> Result<(), HandleError> {
    let attempt = AssertUnwindSafe(run.run(cx, data)).catch_unwind();
    match tokio::time::timeout(deadline, attempt).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(HandleError::Retry("the handler panicked; see the log".into())),
        Err(_elapsed) => Err(HandleError::Retry(format!("the handler took longer than {deadline:?}").into())),
    }
}

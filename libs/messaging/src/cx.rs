use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use septet_contract::{Cause, Envelope, Event, Job, Timestamp, cloudevents};
use septet_store::{Store, StoreError, Tx};
use septet_telemetry::propagation;
use tokio::sync::Notify;

use crate::{
    Lane, Pending, Settings,
    inbox::{self, Identity},
    outbox::{self, Draft},
    write::{Row, Value, Write},
};

/// Rows that wait to be written together at most.
const WRITES: usize = 1_000;

/// Makes units of work on one service's database. Cloning shares it.
#[derive(Clone)]
pub struct Units {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    service: String,
    source: String,
    settings: Settings,
    /// Rows in the outbox, near enough: exact whenever a relay has counted, and kept in step by this process since.
    pending: AtomicU64,
    events_wake: Notify,
    jobs_wake: Notify,
}

impl Units {
    /// Units of work of a service.
    pub fn new(store: Store, service: &str, settings: Settings) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                service: service.to_owned(),
                source: format!("/septet/{service}"),
                settings,
                pending: AtomicU64::new(0),
                events_wake: Notify::new(),
                jobs_wake: Notify::new(),
            }),
        }
    }

    /// Begins a unit of work that follows from `cause`. The transaction opens when [`Cx::tx`] is first called.
    pub fn begin(&self, cause: Cause) -> Cx {
        Cx {
            units: self.clone(),
            tx: None,
            claim: None,
            cause,
            now: Timestamp::now(),
            drafts: Vec::new(),
            writes: Vec::new(),
            touched: false,
            broken: false,
        }
    }

    /// Begins a transaction that only reads.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        self.shared.store.read().await
    }

    /// The service's database.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The service's name, which is its consumer group as well.
    pub fn service(&self) -> &str {
        &self.shared.service
    }

    /// The bounds it was made with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// What waits in the outbox.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away.
    pub async fn pending(&self) -> Result<Pending, StoreError> {
        let pending = outbox::pending(&mut self.read().await?).await?;
        self.shared.pending.store(pending.rows, Ordering::Relaxed);
        Ok(pending)
    }

    /// Forgets inbox rows and stored replies that are older than `messaging.inbox_days`; gives how many.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away.
    pub async fn forget_old(&self) -> Result<u64, StoreError> {
        let before = Timestamp::now().before(self.shared.settings.inbox_retention());
        planted!(InboxForgottenTooSoon: before = Timestamp::now());
        let mut forgotten = 0;
        loop {
            // Some at a time, so that handlers need not wait for long.
            let mut tx = self.shared.store.begin().await?;
            let some = inbox::forget(&mut tx, before).await?;
            tx.commit().await?;
            forgotten += some;
            if some == 0 {
                return Ok(forgotten);
            }
        }
    }

    /// A unit of work that counts as the delivery `claim` to `consumer`: it commits once.
    pub(crate) fn begin_claimed(&self, consumer: &str, claim: Identity, cause: Cause) -> Cx {
        Cx { claim: Some((consumer.to_owned(), claim)), ..self.begin(cause) }
    }

    /// A unit of work on a transaction that is open already.
    pub(crate) fn adopt(&self, tx: Tx) -> Cx {
        Cx { tx: Some(tx), ..self.begin(Cause::default()) }
    }

    pub(crate) fn sent(&self, rows: u64) {
        let pending = &self.shared.pending;
        // Never fails: the closure always gives a value.
        let _ = pending.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |p| Some(p.saturating_sub(rows)));
    }

    pub(crate) async fn woken(&self, lane: Lane) {
        match lane {
            Lane::Event => self.shared.events_wake.notified().await,
            Lane::Job => self.shared.jobs_wake.notified().await,
        }
    }

    /// Refuses new work while too much waits to be sent.
    pub(crate) fn admit(&self) -> Result<(), CxError> {
        planted!(OutboxLimitIgnored => return Ok(()));
        let pending = self.shared.pending.load(Ordering::Relaxed);
        let limit = self.shared.settings.outbox_limit;
        if pending >= limit { Err(CxError::Overloaded { pending, limit }) } else { Ok(()) }
    }
}

/// The unit of work: one database transaction that carries state changes, the inbox row, outgoing events and outgoing
/// jobs. Commit is the only way anything leaves a service; dropping it undoes everything.
pub struct Cx {
    units: Units,
    tx: Option<Tx>,
    /// Consumer and delivery to enter in the inbox when the transaction opens.
    claim: Option<(String, Identity)>,
    cause: Cause,
    now: Timestamp,
    drafts: Vec<Draft>,
    /// Rows that are written before anything else is asked of the database.
    writes: Vec<(&'static Write, Row)>,
    /// The transaction was handed out since [`Cx::turn_to`].
    touched: bool,
    /// It failed while rows were written.
    broken: bool,
}

impl Cx {
    /// The transaction, in which all of [`Cx::write`] is written; opens it on first use, so that a job that first works for
    /// minutes outside does not hold it meanwhile.
    ///
    /// # Errors
    /// [`CxError::Store`] if the database is away; [`CxError::Done`] if this delivery was handled already.
    pub async fn tx(&mut self) -> Result<&mut Tx, CxError> {
        if self.broken {
            let why = "rows of this unit of work could not be written";
            return Err(StoreError::Statement(why.to_owned()).into());
        }
        let mut tx = match self.tx.take() {
            Some(tx) => tx,
            None => self.open().await?,
        };
        self.touched = true;
        if !self.writes.is_empty() {
            // Until it has gone well: with an error, or given up half-way, the transaction is gone, and another one must
            // not take its place.
            self.broken = true;
            for (statement, rows) in by_statement(std::mem::take(&mut self.writes)) {
                statement.execute(&mut tx, &rows).await?;
            }
            self.broken = false;
        }
        Ok(self.tx.insert(tx))
    }

    /// Writes a row by a statement that the other events of the transaction share: at the commit, or before [`Cx::tx`] is
    /// used next. Prefer it where nothing is read back. Rows of different statements are written in the order in which the
    /// statements were first used.
    ///
    /// # Errors
    /// [`CxError::Store`] if the row does not fit the statement's columns, or if rows before it cannot be written.
    pub async fn write(
        &mut self,
        statement: &'static Write,
        row: impl IntoIterator<Item = Value>,
    ) -> Result<(), CxError> {
        let row = statement.row(row)?;
        let is_about_the_same = |(other, earlier): &(&'static Write, Row)| {
            std::ptr::eq(*other, statement) && earlier.first() == row.first()
        };
        if self.writes.len() >= WRITES || self.writes.iter().any(is_about_the_same) {
            self.tx().await?;
        }
        self.writes.push((statement, row));
        Ok(())
    }

    async fn open(&mut self) -> Result<Tx, CxError> {
        let mut tx = self.units.shared.store.begin().await?;
        if let Some((consumer, delivery)) = &self.claim {
            let entered = inbox::enter(&mut tx, consumer, std::slice::from_ref(delivery), self.now).await?;
            if entered.is_empty() {
                return Err(CxError::Done);
            }
        }
        Ok(tx)
    }

    /// The time of this unit of work; the same at every call.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Where it was begun.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// What this unit of work follows from.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Publishes an event when the transaction commits. Change the state of its key first: that orders events of one key
    /// as their changes are ordered. Gives the event's id.
    ///
    /// # Errors
    /// [`CxError::TooLarge`] if it is larger than the log would take; [`CxError::Overloaded`] while too much waits to be
    /// sent.
    pub fn publish<E: Event>(&mut self, event: &E) -> Result<String, CxError> {
        let envelope = Envelope::of_event(event, &self.units.shared.source, self.now, &self.traced_cause());
        self.draft(Lane::Event, E::TOPIC, &envelope, self.now)?;
        Ok(envelope.id)
    }

    /// Enqueues a job when the transaction commits. Gives the job's id.
    ///
    /// # Errors
    /// [`CxError::TooLarge`] if it is larger than the queue would take; [`CxError::Overloaded`] while too much waits to be
    /// sent.
    pub fn enqueue<J: Job>(&mut self, job: &J) -> Result<String, CxError> {
        self.enqueue_after(job, Duration::ZERO)
    }

    /// Enqueues a job that is not delivered before `delay` has passed.
    ///
    /// # Errors
    /// As [`Cx::enqueue`].
    pub fn enqueue_after<J: Job>(&mut self, job: &J, delay: Duration) -> Result<String, CxError> {
        let envelope = Envelope::of_job(job, &self.units.shared.source, self.now, &self.traced_cause());
        self.draft(Lane::Job, J::QUEUE, &envelope, self.now.after(delay))?;
        Ok(envelope.id)
    }

    /// Makes everything durable at once.
    ///
    /// # Errors
    /// [`CxError`] as from [`Cx::tx`]; nothing has happened then, unless the connection was lost during the commit itself.
    pub async fn commit(mut self) -> Result<(), CxError> {
        let unused = self.tx.is_none() && self.claim.is_none() && !self.broken;
        if unused && self.drafts.is_empty() && self.writes.is_empty() {
            return Ok(());
        }
        let drafts = std::mem::take(&mut self.drafts);
        planted!(PublishOutsideTransaction => return crate::planted::commit_in_two(&self.units, self.tx.take(), &drafts).await);
        let tx = self.tx().await?;
        if drafts.is_empty() {
            // A statement may have failed without its handler saying so. Writing drafts would show it.
            tx.check().await?;
        }
        outbox::insert(tx, &drafts).await?;
        if let Some(tx) = self.tx.take() {
            tx.commit().await?;
        }
        self.units.committed(&drafts);
        Ok(())
    }

    /// Goes on to the next delivery of a batch, in the same transaction.
    pub(crate) fn turn_to(&mut self, cause: Cause) {
        self.cause = cause;
        self.now = Timestamp::now();
        self.touched = false;
    }

    /// True if the delivery whose turn it is may have changed something.
    pub(crate) fn is_touched(&self) -> bool {
        self.touched
    }

    pub(crate) fn drafted(&self) -> usize {
        self.drafts.len()
    }

    /// Rows that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.writes.len()
    }

    /// Takes back the drafts after the first `drafts`, and the rows after the first `writes`.
    pub(crate) fn forget_after(&mut self, drafts: usize, writes: usize) {
        self.drafts.truncate(drafts);
        self.writes.truncate(writes);
    }

    pub(crate) fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    fn draft(
        &mut self,
        lane: Lane,
        destination: &str,
        envelope: &Envelope,
        due: Timestamp,
    ) -> Result<(), CxError> {
        // What only changes state, or gives an earlier reply, goes on.
        self.units.admit()?;
        let record = cloudevents::to_record(envelope);
        planted!(KeyLost: record = septet_contract::Record { key: None, ..record });
        let (size, limit) = (record.size(), self.units.shared.settings.max_message_bytes);
        if size > limit {
            return Err(CxError::TooLarge { r#type: envelope.r#type.clone(), size, limit });
        }
        self.drafts.push(Draft { lane, destination: destination.to_owned(), record, due });
        Ok(())
    }

    fn traced_cause(&self) -> Cause {
        let traceparent = propagation::current_traceparent().or_else(|| self.cause.traceparent.clone());
        Cause { traceparent, ..self.cause.clone() }
    }
}

/// Rows by statement, both in the order in which they came.
fn by_statement(writes: Vec<(&'static Write, Row)>) -> Vec<(&'static Write, Vec<Row>)> {
    let mut grouped: Vec<(&'static Write, Vec<Row>)> = Vec::new();
    for (statement, row) in writes {
        match grouped.iter_mut().find(|(other, _)| std::ptr::eq(*other, statement)) {
            Some((_, rows)) => rows.push(row),
            None => grouped.push((statement, vec![row])),
        }
    }
    grouped
}

impl Units {
    fn committed(&self, drafts: &[Draft]) {
        self.shared.pending.fetch_add(drafts.len() as u64, Ordering::Relaxed);
        planted!(LostWakeUp => return);
        if drafts.iter().any(|draft| draft.lane == Lane::Event) {
            self.shared.events_wake.notify_one();
        }
        if drafts.iter().any(|draft| draft.lane == Lane::Job) {
            self.shared.jobs_wake.notify_one();
        }
    }
}

/// Why a unit of work could not go on.
#[derive(Debug, thiserror::Error)]
pub enum CxError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too much waits to be sent. Transient.
    #[error("{pending} messages wait to be sent, and the limit is {limit}; try again later")]
    Overloaded {
        /// Rows in the outbox.
        pending: u64,
        /// `messaging.outbox_limit`.
        limit: u64,
    },
    /// The message is larger than may be published.
    #[error("a {} of {size} bytes is larger than the limit of {limit} bytes", .r#type)]
    TooLarge {
        /// Its type.
        r#type: String,
        /// Bytes of key, headers and value.
        size: usize,
        /// `messaging.max_message_bytes`.
        limit: usize,
    },
    /// The delivery was handled already; there is nothing to do.
    #[error("this delivery was handled already")]
    Done,
    /// The request id was used before for another request.
    #[error("request_id {0} was used before for another request; use a new one")]
    RequestIdReused(String),
}

impl CxError {
    /// True if the same work may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Overloaded { .. } => true,
            Self::TooLarge { .. } | Self::Done | Self::RequestIdReused(_) => false,
        }
    }
}

//! The one task that writes a file: it takes all writes that are waiting, puts them into one transaction, and answers
//! them when it is on disk. Sharing the sync among them is what makes an embedded log fast enough.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::fault::Fault;

/// Weight of the writes that may wait; a caller beyond it waits with its write. One unit is about a record of 1 KiB.
const WAITING: u32 = 64 << 10;

/// Weight at which a transaction takes no more writes.
const TRANSACTION: u32 = 2_000;

/// How often the state looks for changes that other processes made and for work of its own.
const TICK: Duration = Duration::from_millis(200);

/// What a writer keeps in memory about its file. Its hooks run inside every transaction.
#[async_trait]
pub(crate) trait State: Send + 'static {
    /// Before the first write of a transaction.
    async fn begin(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error>;

    /// After the last write of a transaction, before it is committed.
    async fn finish(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error>;

    /// The transaction is on disk.
    fn committed(&mut self);

    /// The transaction did not happen.
    fn rolled_back(&mut self);

    /// Whether a transaction is due although nobody wrote.
    async fn tick(&mut self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error>;

    /// The last transaction, when the file is closed in order.
    async fn close(&mut self, tx: &mut SqliteConnection) -> Result<(), sqlx::Error>;
}

/// One write.
#[async_trait]
pub(crate) trait Write<S>: Send + 'static {
    /// What the caller gets once it is on disk.
    type Answer: Send + 'static;

    /// How much of a transaction it takes; see [`WAITING`].
    fn weight(&self) -> u32 {
        1
    }

    /// False where a power loss may undo it: it is then committed without a sync. It survives the death of the
    /// process all the same.
    fn durable(&self) -> bool {
        true
    }

    /// Does it. An error undoes the whole transaction.
    async fn apply(&mut self, state: &mut S, tx: &mut SqliteConnection) -> Result<Self::Answer, sqlx::Error>;
}

/// Where to send writes. Cheap to clone; the file is closed when the last clone is gone.
pub(crate) struct Writer<S> {
    pending: mpsc::UnboundedSender<Box<dyn Pending<S>>>,
    room: Arc<Semaphore>,
    closing: CancellationToken,
}

impl<S> Clone for Writer<S> {
    fn clone(&self) -> Self {
        Self { pending: self.pending.clone(), room: self.room.clone(), closing: self.closing.clone() }
    }
}

impl<S: State> Writer<S> {
    /// Starts the task.
    pub(crate) fn start(connection: SqliteConnection, path: PathBuf, state: S) -> (Self, JoinHandle<()>) {
        #[expect(
            clippy::disallowed_methods,
            reason = "`room` bounds it, and `post` says why it does not wait"
        )]
        let (pending, waiting) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        let task = Task { connection, path, state, waiting, closing: closing.clone(), synced: true };
        let room = Arc::new(Semaphore::new(WAITING as usize));
        (Self { pending, room, closing }, tokio::spawn(task.run()))
    }

    /// Writes, and waits until it is on disk.
    pub(crate) async fn write<W: Write<S>>(&self, write: W) -> Result<W::Answer, Fault> {
        self.begin(write).await?.await.unwrap_or(Err(Fault::Closed))
    }

    /// Waits for room, and gives the answer to wait for.
    pub(crate) async fn begin<W: Write<S>>(
        &self,
        write: W,
    ) -> Result<oneshot::Receiver<Result<W::Answer, Fault>>, Fault> {
        let weight = write.weight().clamp(1, WAITING);
        // The semaphore is never closed; were it, the writer would be gone as well.
        let room = self.room.clone().acquire_many_owned(weight).await.map_err(|_| Fault::Closed)?;
        self.send(write, Some(room))
    }

    /// Writes without waiting, for what has to be told from a `Drop`. There is at most one such write for each thing
    /// that is dropped, which bounds them.
    pub(crate) fn post<W: Write<S>>(&self, write: W) {
        // A writer that is gone has given everything back itself.
        let _ = self.send(write, None);
    }

    /// Ends the task once all that was sent before is written.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    fn send<W: Write<S>>(
        &self,
        write: W,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<W::Answer, Fault>>, Fault> {
        let (reply, answer) = oneshot::channel();
        let pending = Box::new(Sent { write, answer: None, reply, _room: room });
        self.pending.send(pending).map_err(|_| Fault::Closed)?;
        Ok(answer)
    }
}

/// A write on its way, whatever its answer is.
#[async_trait]
trait Pending<S>: Send {
    fn weight(&self) -> u32;
    fn durable(&self) -> bool;
    async fn apply(&mut self, state: &mut S, tx: &mut SqliteConnection) -> Result<(), sqlx::Error>;
    fn settle(self: Box<Self>, outcome: Result<(), Fault>);
}

struct Sent<S, W: Write<S>> {
    write: W,
    answer: Option<W::Answer>,
    reply: oneshot::Sender<Result<W::Answer, Fault>>,
    _room: Option<OwnedSemaphorePermit>,
}

#[async_trait]
impl<S: State, W: Write<S>> Pending<S> for Sent<S, W> {
    fn weight(&self) -> u32 {
        self.write.weight()
    }

    fn durable(&self) -> bool {
        self.write.durable()
    }

    async fn apply(&mut self, state: &mut S, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.answer = Some(self.write.apply(state, tx).await?);
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), Fault>) {
        let reply = match (outcome, self.answer) {
            (Ok(()), Some(answer)) => Ok(answer),
            (Ok(()), None) => Err(Fault::Unavailable("the write was not reached".to_owned())),
            (Err(fault), _) => Err(fault),
        };
        // Nobody waits for a posted write, nor for one whose caller gave up.
        let _ = self.reply.send(reply);
    }
}

struct Task<S> {
    connection: SqliteConnection,
    path: PathBuf,
    state: S,
    waiting: mpsc::UnboundedReceiver<Box<dyn Pending<S>>>,
    closing: CancellationToken,
    /// Whether commits on the connection are synced now.
    synced: bool,
}

impl<S: State> Task<S> {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closing = false;
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled(), if !closing => {
                    closing = true;
                    self.waiting.close();
                }
                _ = ticks.tick() => self.tick().await,
                first = self.waiting.recv() => match first {
                    Some(first) => self.write(first).await,
                    None => break,
                },
            }
        }
        self.close().await;
    }

    /// Commits the write together with all that are waiting, as far as the transaction has room.
    async fn write(&mut self, first: Box<dyn Pending<S>>) {
        let mut weight = first.weight();
        let mut writes = vec![first];
        while weight < TRANSACTION
            && let Ok(next) = self.waiting.try_recv()
        {
            weight = weight.saturating_add(next.weight());
            writes.push(next);
        }
        let outcome = self.commit(&mut writes, false).await;
        for write in writes {
            write.settle(outcome.clone());
        }
    }

    async fn tick(&mut self) {
        match self.state.tick(&mut self.connection).await {
            Ok(true) => {
                // Whatever was due stays due; the next tick tries again.
                let _ = self.commit(&mut [], false).await;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "the file cannot be read"),
        }
    }

    async fn commit(&mut self, writes: &mut [Box<dyn Pending<S>>], last: bool) -> Result<(), Fault> {
        let outcome = self.transact(writes, last).await;
        match outcome {
            Ok(()) => self.state.committed(),
            Err(_) => self.state.rolled_back(),
        }
        outcome.map_err(|error| {
            tracing::warn!(path = %self.path.display(), %error, "a transaction failed");
            Fault::of(&error, &self.path)
        })
    }

    async fn transact(&mut self, writes: &mut [Box<dyn Pending<S>>], last: bool) -> Result<(), sqlx::Error> {
        self.sync(writes.is_empty() || writes.iter().any(|write| write.durable())).await?;
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        self.state.begin(&mut tx).await?;
        for write in writes {
            write.apply(&mut self.state, &mut tx).await?;
        }
        if last {
            self.state.close(&mut tx).await?;
        }
        self.state.finish(&mut tx).await?;
        tx.commit().await
    }

    /// Has commits synced, or not, from now on.
    async fn sync(&mut self, synced: bool) -> Result<(), sqlx::Error> {
        if self.synced != synced {
            let sql = if synced { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            sqlx::query(sql).execute(&mut self.connection).await?;
            self.synced = synced;
        }
        Ok(())
    }

    async fn close(mut self) {
        // Failures are logged where they happen, and what was not given back is freed by its lease.
        let _ = self.commit(&mut [], true).await;
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await;
        let _ = self.connection.close().await;
    }
}

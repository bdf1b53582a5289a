//! A partition that a member reads: its own queue inside librdkafka, and its position.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, AtomicU8, Ordering},
};

use async_trait::async_trait;
use rdkafka::{
    consumer::base_consumer::PartitionQueue,
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::{
    sync::Notify,
    time::{Duration, timeout},
};

use super::{
    super::{Fetched, LogError, Partition},
    client::unavailable,
    member::Control,
    rebalance::Rebalances,
    record::decode,
};

/// Bytes of values that one batch holds at most, so that 64 large events do not add up.
const BATCH_BYTES: usize = 8 << 20;
/// A wait for records looks again after this long, should librdkafka ever not signal.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the member's thread and the reader of a partition share.
pub(super) struct Shared {
    pub(super) topic: String,
    pub(super) number: i32,
    state: Mutex<State>,
    ready: Arc<Notify>,
    /// Offset that the next record will get; -1 until it is known.
    pub(super) end: AtomicI64,
    phase: AtomicU8,
}

struct State {
    /// Taken away when the partition is.
    queue: Option<PartitionQueue<Rebalances>>,
    /// Next offset to hand out.
    next: i64,
    /// Position to commit.
    position: Option<i64>,
    /// Position that was sent to the broker last.
    sent: Option<i64>,
}

/// Read as usual.
const OPEN: u8 = 0;
/// No more records, but commits are welcome.
const CLOSING: u8 = 1;
/// The reader dropped it.
const RELEASED: u8 = 2;

impl Shared {
    pub(super) fn new(
        topic: String,
        number: i32,
        mut queue: PartitionQueue<Rebalances>,
        next: i64,
        end: i64,
    ) -> Arc<Self> {
        let ready = Arc::new(Notify::new());
        let signal = ready.clone();
        queue.set_nonempty_callback(move || signal.notify_one());
        Arc::new(Self {
            topic,
            number,
            state: Mutex::new(State { queue: Some(queue), next, position: None, sent: None }),
            ready,
            end: AtomicI64::new(end),
            phase: AtomicU8::new(OPEN),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out no more records from now on.
    pub(super) fn begin_closing(&self) {
        // A reader that already released it stays released.
        let _ = self.phase.compare_exchange(OPEN, CLOSING, Ordering::AcqRel, Ordering::Acquire);
        self.ready.notify_one();
    }

    /// True once the reader has dropped it.
    pub(super) fn is_released(&self) -> bool {
        self.phase.load(Ordering::Acquire) == RELEASED
    }

    /// Takes the partition away: commits are refused from now on.
    pub(super) fn close(&self) {
        self.begin_closing();
        let queue = self.state().queue.take();
        // Outside the lock: dropping it waits for librdkafka to be done with the signal.
        drop(queue);
    }

    /// The position, if the broker does not have it yet; counts as sent from now on.
    pub(super) fn take_unsent(&self) -> Option<i64> {
        let mut state = self.state();
        let unsent = state.position.filter(|position| state.sent != Some(*position));
        state.sent = state.position;
        unsent
    }

    /// A commit failed: what was sent counts as not sent.
    pub(super) fn forget_sent(&self) {
        self.state().sent = None;
    }

    /// Whatever is there, without waiting.
    fn poll(&self, max: usize) -> Result<Vec<Fetched>, Trouble> {
        let mut state = self.state();
        let mut batch = Vec::new();
        let mut bytes = 0;
        // The phase is looked at under the lock that taking the partition away needs, so that nothing is taken out of
        // the queue that belongs to the next assignment.
        if self.phase.load(Ordering::Acquire) != OPEN {
            return Err(Trouble::Closed);
        }
        let State { queue: Some(queue), next, .. } = &mut *state else { return Err(Trouble::Closed) };
        while batch.len() < max && bytes < BATCH_BYTES {
            match queue.poll(Duration::ZERO) {
                None => break,
                Some(Ok(message)) => {
                    let fetched = decode(&message);
                    if fetched.offset < *next {
                        continue;
                    }
                    *next = fetched.offset + 1;
                    bytes += fetched.record.size();
                    batch.push(fetched);
                }
                // What was taken out must be handed out; a lasting error shows again.
                Some(Err(error)) if batch.is_empty() => return Err(Trouble::of(error)),
                Some(Err(_)) => break,
            }
        }
        Ok(batch)
    }
}

/// Why a partition's queue gives nothing.
enum Trouble {
    /// Revoked, or the member left.
    Closed,
    /// The position is not in the kept range any more.
    PositionLost,
    /// Passes by itself.
    Transient(KafkaError),
}

impl Trouble {
    fn of(error: KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Self::PositionLost
            }
            _ => Self::Transient(error),
        }
    }
}

/// What the reader holds.
pub(super) struct KafkaPartition {
    shared: Arc<Shared>,
    control: Arc<Control>,
}

impl KafkaPartition {
    pub(super) fn new(shared: Arc<Shared>, control: Arc<Control>) -> Self {
        Self { shared, control }
    }
}

#[async_trait]
impl Partition for KafkaPartition {
    fn topic(&self) -> &str {
        &self.shared.topic
    }

    fn partition(&self) -> i32 {
        self.shared.number
    }

    async fn batch(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        loop {
            match self.shared.poll(max.max(1)) {
                Ok(batch) if !batch.is_empty() => return Ok(batch),
                Ok(_) => {}
                Err(Trouble::Closed) => return Err(LogError::Closed),
                Err(Trouble::PositionLost) => {
                    self.control.rejoin();
                    return Err(unavailable("the position is no longer kept; the member joins anew"));
                }
                Err(Trouble::Transient(error)) => return Err(unavailable(error)),
            }
            // An elapsed wait is as good as a signal.
            let _ = timeout(LOOK_AGAIN, self.shared.ready.notified()).await;
        }
    }

    async fn commit(&mut self, next: i64) -> Result<(), LogError> {
        if next < 0 {
            return Err(LogError::Invalid(format!("{next} is not an offset")));
        }
        let mut state = self.shared.state();
        if state.queue.is_none() {
            return Err(LogError::Closed);
        }
        state.position = Some(next);
        Ok(())
    }

    fn lag(&self) -> Option<u64> {
        let end = self.shared.end.load(Ordering::Relaxed);
        let next = self.shared.state().next;
        (end >= 0).then(|| u64::try_from(end - next).unwrap_or(0))
    }
}

impl Drop for KafkaPartition {
    fn drop(&mut self) {
        self.shared.phase.store(RELEASED, Ordering::Release);
    }
}

//! A member of a consumer group: one thread that polls librdkafka's main queue for as long as the membership lives, so
//! that the group sees a live member while handlers take minutes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rand::Rng;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::sync::{
    mpsc::{Sender, error::TrySendError},
    oneshot::{self, error::TryRecvError},
    watch,
};

use super::{
    super::{Assignment, LogError},
    BACKEND,
    client::{Cluster, unavailable},
    committer::Committer,
    partition::{KafkaPartition, Shared},
    positions::{At, starts},
    rebalance::{Change, Rebalances},
};

/// How long the main queue is awaited; a request to stop waits this long at most.
const POLL: Duration = Duration::from_millis(50);
/// Positions are committed this often.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// How long a commit is awaited before partitions are given back.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);
/// Pause before positions are looked up again.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(1);
/// Pause before a consumer that ended for good is replaced, and as much again at random.
const REPLACE_AFTER: Duration = Duration::from_secs(1);
/// The same complaint is logged this often at most.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// How the rest of the process speaks to a member's thread.
pub(super) struct Control {
    pub(super) group: String,
    stop: AtomicBool,
    rejoin: AtomicBool,
    flushes: Mutex<Vec<oneshot::Sender<()>>>,
    ended: watch::Receiver<bool>,
}

impl Control {
    /// Asks the member to give everything back and leave.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Asks the member to join anew, which looks its positions up.
    pub(super) fn rejoin(&self) {
        self.rejoin.store(true, Ordering::Release);
    }

    /// Resolves once every position given so far is committed. The member may end first.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (flushed, done) = oneshot::channel();
        self.flushes.lock().unwrap_or_else(PoisonError::into_inner).push(flushed);
        done
    }

    pub(super) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Waits until the thread has ended; false if that takes longer.
    pub(super) async fn ended(&self, limit: Duration) -> bool {
        let mut ended = self.ended.clone();
        tokio::time::timeout(limit, ended.wait_for(|ended| *ended)).await.is_ok()
    }
}

/// The thread's own state.
pub(super) struct Member {
    cluster: Cluster,
    topics: Vec<String>,
    control: Arc<Control>,
    assignments: Sender<Assignment>,
    ended: watch::Sender<bool>,
    partitions: BTreeMap<At, Arc<Shared>>,
    /// Changes that were taken from the consumer while something else was waited for.
    changes: VecDeque<Change>,
    /// Partitions that were assigned and wait for their positions.
    wanted: Option<TopicPartitionList>,
    look_up_at: Instant,
    /// A commit is under way; its result will come.
    committing: bool,
    /// The last commit failed because this member has no say in the group any more.
    fenced: bool,
    committed_at: Instant,
    complaint: Option<(String, Instant)>,
}

/// How a consumer's life ended.
enum Ended {
    Left,
    Failed(String),
}

impl Member {
    /// Makes the consumer and starts the thread. Reads certificates, so it may block for a moment.
    pub(super) fn start(
        cluster: Cluster,
        group: String,
        topics: Vec<String>,
        assignments: Sender<Assignment>,
    ) -> Result<Arc<Control>, LogError> {
        let consumer = Arc::new(cluster.member(&group, Rebalances::new(cluster.quiet.clone()))?);
        let name = format!("kafka-{group}");
        let (member, control) = Self::new(cluster, group, topics, assignments);
        std::thread::Builder::new().name(name).spawn(move || member.run(consumer)).map_err(unavailable)?;
        Ok(control)
    }

    fn new(
        cluster: Cluster,
        group: String,
        topics: Vec<String>,
        assignments: Sender<Assignment>,
    ) -> (Self, Arc<Control>) {
        let (ended, watch_end) = watch::channel(false);
        let control = Arc::new(Control {
            group,
            stop: AtomicBool::new(false),
            rejoin: AtomicBool::new(false),
            flushes: Mutex::default(),
            ended: watch_end,
        });
        let now = Instant::now();
        let member = Self {
            cluster,
            topics,
            control: control.clone(),
            assignments,
            ended,
            partitions: BTreeMap::new(),
            changes: VecDeque::new(),
            wanted: None,
            look_up_at: now,
            committing: false,
            fenced: false,
            committed_at: now,
            complaint: None,
        };
        (member, control)
    }

    /// Runs until [`Control::stop`], on a thread of its own. Nothing that brokers do ends it.
    fn run(mut self, mut consumer: Arc<BaseConsumer<Rebalances>>) {
        loop {
            let ended = match Committer::start(consumer.clone()) {
                Ok(committer) => {
                    let ended = self.serve(&consumer, &committer);
                    self.give_back(&consumer, &committer);
                    committer.stop();
                    ended
                }
                Err(error) => Ended::Failed(error.to_string()),
            };
            consumer.context().close();
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "giving partitions back while leaving");
            }
            // The last reference, as the partitions' queues are gone: leaves the group and waits for librdkafka.
            drop(consumer);
            let Ended::Failed(error) = ended else { break };
            tracing::error!(
                backend = BACKEND,
                group = self.control.group,
                error,
                "the consumer ended and is replaced; is another process using the same group_instance_id?"
            );
            let Some(next) = self.replace() else { break };
            consumer = next;
        }
        let _ = self.ended.send(true);
    }

    fn replace(&mut self) -> Option<Arc<BaseConsumer<Rebalances>>> {
        (self.changes, self.wanted, self.committing) = (VecDeque::new(), None, false);
        loop {
            let pause = REPLACE_AFTER + rand::rng().random_range(Duration::ZERO..REPLACE_AFTER);
            let until = Instant::now() + pause;
            while Instant::now() < until {
                if self.control.is_stopped() {
                    return None;
                }
                std::thread::park_timeout(POLL);
            }
            match self.cluster.member(&self.control.group, Rebalances::new(self.cluster.quiet.clone())) {
                Ok(consumer) => return Some(Arc::new(consumer)),
                Err(error) => self.complain(&error.to_string()),
            }
        }
    }

    /// Serves one consumer.
    fn serve(&mut self, consumer: &Arc<BaseConsumer<Rebalances>>, committer: &Committer) -> Ended {
        self.subscribe(consumer);
        loop {
            if self.control.is_stopped() {
                return Ended::Left;
            }
            if let Err(fatal) = self.pump(consumer, POLL) {
                return Ended::Failed(fatal.to_string());
            }
            while let Some(change) = self.changes.pop_front() {
                match change {
                    Change::Assigned(list) => {
                        (self.wanted, self.look_up_at) = (Some(list), Instant::now());
                    }
                    Change::Revoked => {
                        self.wanted = None;
                        self.give_back(consumer, committer);
                        if let Err(error) = consumer.unassign() {
                            self.complain(&error.to_string());
                        }
                    }
                    Change::Committed(result) => self.committed(result),
                }
            }
            self.take_on_wanted(consumer);
            if self.control.rejoin.swap(false, Ordering::AcqRel) {
                self.give_back(consumer, committer);
                consumer.unsubscribe();
                self.subscribe(consumer);
            }
            for (at, end) in consumer.context().take_ends() {
                if let Some(partition) = self.partitions.get(&at) {
                    partition.end.store(end, Ordering::Relaxed);
                }
            }
            self.serve_commits(consumer, committer);
        }
    }

    fn subscribe(&mut self, consumer: &BaseConsumer<Rebalances>) {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        if let Err(error) = consumer.subscribe(&topics) {
            self.complain(&error.to_string());
            self.control.rejoin();
        }
    }

    /// Polls the main queue once. Only a fatal error of the consumer is an error.
    fn pump(&mut self, consumer: &BaseConsumer<Rebalances>, limit: Duration) -> KafkaResult<()> {
        match consumer.poll(limit) {
            None => {}
            Some(Ok(_)) => {
                // Partitions have queues of their own before they are assigned, so this cannot be. If it were, the
                // record would be skipped; joining anew reads it again.
                self.complain("a record came outside of its partition's queue");
                self.control.rejoin();
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error),
            Some(Err(error)) => self.complain(&error.to_string()),
        }
        while let Some(change) = consumer.context().take() {
            match change {
                Change::Committed(result) => self.committed(result),
                change => self.changes.push_back(change),
            }
        }
        Ok(())
    }

    /// Takes newly assigned partitions on once their positions are known; until then the group waits.
    fn take_on_wanted(&mut self, consumer: &Arc<BaseConsumer<Rebalances>>) {
        if Instant::now() < self.look_up_at {
            return;
        }
        let Some(list) = self.wanted.take() else { return };
        if let Err(error) = self.take_on(consumer, &list) {
            self.complain(&format!("the positions cannot be looked up: {error}"));
            (self.wanted, self.look_up_at) = (Some(list), Instant::now() + LOOK_UP_AGAIN);
        }
    }

    fn take_on(
        &mut self,
        consumer: &Arc<BaseConsumer<Rebalances>>,
        list: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let mut assignment = TopicPartitionList::new();
        let mut taken = Vec::new();
        if list.count() > 0 {
            for (at, start) in starts(consumer, &self.control.group, list)? {
                assignment.add_partition_offset(&at.0, at.1, Offset::Offset(start.next))?;
                // Before `assign`: librdkafka then keeps the partition's records out of the main queue from the first.
                let queue = consumer
                    .split_partition_queue(&at.0, at.1)
                    .ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
                taken.push(Shared::new(at.0, at.1, queue, start.next, start.end));
            }
        }
        consumer.assign(&assignment)?;
        for shared in taken {
            self.partitions.insert((shared.topic.clone(), shared.number), shared.clone());
            let partition = KafkaPartition::new(shared, self.control.clone());
            let sent = self.assignments.try_send(Assignment::Assigned(Box::new(partition)));
            // Where the membership is gone, the partition is dropped here, which releases it.
            if let Err(TrySendError::Full(_)) = sent {
                self.complain("nobody takes what this member is assigned; it leaves the group");
                self.control.stop();
            }
        }
        Ok(())
    }

    /// Asks for every partition back, waits within the limit, commits, and closes them.
    fn give_back(&mut self, consumer: &BaseConsumer<Rebalances>, committer: &Committer) {
        let mut asked: Vec<(Arc<Shared>, Option<oneshot::Receiver<()>>)> = Vec::new();
        for shared in self.partitions.values() {
            shared.begin_closing();
            let (done, is_done) = oneshot::channel();
            let (topic, partition) = (shared.topic.clone(), shared.number);
            let told = self.assignments.try_send(Assignment::Revoked { topic, partition, done }).is_ok();
            asked.push((shared.clone(), told.then_some(is_done)));
        }
        let limit = Instant::now() + self.cluster.config.revoke_timeout();
        loop {
            asked.retain_mut(|(shared, done)| {
                !shared.is_released() && !done.as_mut().is_some_and(is_resolved)
            });
            if asked.is_empty() {
                break;
            }
            if Instant::now() >= limit {
                tracing::warn!(
                    backend = BACKEND,
                    group = self.control.group,
                    partitions = asked.len(),
                    "partitions were not given back in time; another member may repeat what is in hand here"
                );
                break;
            }
            if self.pump(consumer, Duration::from_millis(5)).is_err() {
                break;
            }
        }
        let limit = Instant::now() + COMMIT_LIMIT;
        self.fenced = false;
        loop {
            // Once more after a commit that was under way, for what was done meanwhile.
            let has_more = self.commit(consumer, committer);
            if !has_more
                || self.fenced
                || Instant::now() >= limit
                || self.pump(consumer, Duration::from_millis(5)).is_err()
            {
                break;
            }
        }
        for (_, shared) in std::mem::take(&mut self.partitions) {
            shared.close();
        }
    }

    /// Commits in intervals, and whenever somebody waits for it.
    fn serve_commits(&mut self, consumer: &BaseConsumer<Rebalances>, committer: &Committer) {
        let control = self.control.clone();
        let mut flushes = control.flushes.lock().unwrap_or_else(PoisonError::into_inner);
        if flushes.is_empty() && self.committed_at.elapsed() < COMMIT_EVERY {
            return;
        }
        self.committed_at = Instant::now();
        if !self.commit(consumer, committer) {
            for flushed in flushes.drain(..) {
                let _ = flushed.send(());
            }
        }
    }

    /// Begins to commit the positions that the broker does not have yet; one commit at a time, so that an older one
    /// cannot arrive last. True while there is something to wait for.
    fn commit(&mut self, consumer: &BaseConsumer<Rebalances>, committer: &Committer) -> bool {
        if self.committing {
            return true;
        }
        let mut positions = TopicPartitionList::new();
        for shared in self.partitions.values() {
            if let Some(next) = shared.take_unsent()
                && let Err(error) =
                    positions.add_partition_offset(&shared.topic, shared.number, Offset::Offset(next))
            {
                tracing::error!(topic = shared.topic, partition = shared.number, next, %error, "not committed");
            }
        }
        if positions.count() > 0 {
            self.committing = true;
            committer.commit(consumer, positions);
        }
        self.committing
    }

    fn committed(&mut self, result: KafkaResult<()>) {
        self.committing = false;
        self.fenced = matches!(&result, Err(error) if is_fencing(error));
        if let Err(error) = result {
            for shared in self.partitions.values() {
                shared.forget_sent();
            }
            self.complain(&format!("positions were not committed: {error}"));
        }
    }

    /// A warning, but not the same one over and over.
    fn complain(&mut self, what: &str) {
        let said =
            self.complaint.as_ref().is_some_and(|(said, at)| said == what && at.elapsed() < COMPLAIN_EVERY);
        if !said {
            self.complaint = Some((what.to_owned(), Instant::now()));
            tracing::warn!(backend = BACKEND, group = self.control.group, "{what}");
        }
    }
}

/// Repeating the commit is of no use: others read the partitions now, and do again what was not committed.
fn is_fencing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::FencedInstanceId
                | RDKafkaErrorCode::RebalanceInProgress
        )
    )
}

/// `done` counts when it is sent, and when it is dropped.
fn is_resolved(done: &mut oneshot::Receiver<()>) -> bool {
    !matches!(done.try_recv(), Err(TryRecvError::Empty))
}

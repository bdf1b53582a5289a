//! A membership in a group: a task follows the group on disk and tells the member what changes for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    catalog::Cell,
    group::{Join, Leave, Release},
    lease::Lease,
    ledger::Ledger,
    partition::LeasedPartition,
    shared::{Shared, View, lock},
    writer::Writer,
};
use crate::log::{Assignment, LogError, Membership};

/// How long to wait before joining again after a failure.
const REJOIN: Duration = Duration::from_millis(500);

/// One member.
pub(super) struct Member {
    at: Seat,
    changes: mpsc::UnboundedReceiver<Assignment>,
    /// Ends the task.
    ended: CancellationToken,
    left: bool,
}

/// What the member and its task share.
#[derive(Clone)]
struct Seat {
    shared: Arc<Shared>,
    writer: Writer<Ledger>,
    group: String,
    member: String,
    topics: Vec<String>,
    leases: Arc<Mutex<HashMap<i64, Arc<Lease>>>>,
}

impl Member {
    /// Joins.
    pub(super) async fn join(
        shared: Arc<Shared>,
        writer: Writer<Ledger>,
        group: &str,
        topics: &[String],
    ) -> Result<Self, LogError> {
        let member = uuid::Uuid::now_v7().to_string();
        let views = lock(&shared.groups).entry(group.to_owned()).or_default().subscribe();
        let leases = Arc::default();
        let at = Seat { shared, writer, group: group.to_owned(), member, topics: topics.to_vec(), leases };
        // Made before the join, so that a caller who gives up in the middle leaves again.
        #[expect(
            clippy::disallowed_methods,
            reason = "a partition is told at most twice in each revoke_limit"
        )]
        let (events, changes) = mpsc::unbounded_channel();
        let ended = CancellationToken::new();
        let joined = Self { at: at.clone(), changes, ended: ended.clone(), left: false };
        at.join().await?;
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = at.shared.closed.cancelled() => {}
                () = at.follow(views, events) => {}
            }
        });
        Ok(joined)
    }
}

#[async_trait]
impl Membership for Member {
    async fn next(&mut self) -> Result<Assignment, LogError> {
        tokio::select! {
            biased;
            () = self.at.shared.closed.cancelled() => Err(LogError::Closed),
            change = self.changes.recv() => change.ok_or(LogError::Closed),
        }
    }

    async fn leave(mut self: Box<Self>) {
        self.ended.cancel();
        // Partitions that nobody has received yet go with the channel.
        self.changes.close();
        // Not `try_recv`: it sees nothing of a partition that is being sent at this moment, which would then be waited for.
        while self.changes.recv().await.is_some() {}
        let leases: Vec<Arc<Lease>> = lock(&self.at.leases).values().cloned().collect();
        for lease in &leases {
            lease.revoke();
        }
        let all_dropped = async {
            for lease in &leases {
                lease.dropped.cancelled().await;
            }
        };
        if timeout(self.at.shared.options.revoke_limit, all_dropped).await.is_err() {
            tracing::warn!(group = %self.at.group, "a member left with partitions still in use");
        }
        let leave = self.at.lose_all();
        // Where it cannot be written, the lease runs out instead.
        self.left = self.at.writer.write(leave).await.is_ok();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.ended.cancel();
        if !self.left {
            self.at.writer.post(self.at.lose_all());
        }
    }
}

impl Seat {
    async fn join(&self) -> Result<(), LogError> {
        let (group, member, topics) = (self.group.clone(), self.member.clone(), self.topics.clone());
        Ok(self.writer.write(Join { group, member, topics }).await?)
    }

    /// Ends all leases here, and gives what is to be written.
    fn lose_all(&self) -> Leave {
        for (_, lease) in lock(&self.leases).drain() {
            lease.lose(&self.shared);
        }
        Leave { group: self.group.clone(), member: self.member.clone() }
    }

    async fn follow(&self, mut views: watch::Receiver<Arc<View>>, events: mpsc::UnboundedSender<Assignment>) {
        loop {
            let view = views.borrow_and_update().clone();
            let expelled = !view.members.contains(&self.member);
            for change in self.compare(&view) {
                if events.send(change).is_err() {
                    return;
                }
            }
            if expelled {
                // This process stood still for longer than its lease, and others took over.
                if let Err(error) = self.join().await {
                    tracing::warn!(group = %self.group, %error, "cannot join the group again");
                    sleep(REJOIN).await;
                }
            } else if views.changed().await.is_err() {
                return;
            }
        }
    }

    /// What the view changes for this member.
    fn compare(&self, view: &View) -> Vec<Assignment> {
        let mut changes = Vec::new();
        let mine = |member: &Option<String>| member.as_ref() == Some(&self.member);
        let alive = view.members.contains(&self.member);
        let mut leases = lock(&self.leases);
        leases.retain(|id, lease| {
            let kept = alive
                && view.assignments.iter().any(|assigned| {
                    assigned.cell.id == *id && mine(&assigned.owner) && assigned.epoch == lease.epoch
                });
            if !kept {
                // One that was given back in order has been told already.
                if lease.revoke() {
                    changes.push(self.revoked(lease).0);
                }
                lease.lose(&self.shared);
            }
            kept
        });
        for assigned in view.assignments.iter().filter(|assigned| alive && mine(&assigned.owner)) {
            match leases.get(&assigned.cell.id) {
                None => changes.push(self.assigned(&mut leases, &assigned.cell, assigned.epoch)),
                Some(lease) if !mine(&assigned.target) => {
                    if lease.revoke() {
                        let (change, done) = self.revoked(lease);
                        changes.push(change);
                        tokio::spawn(self.clone().release(lease.clone(), done));
                    }
                }
                Some(_) => {}
            }
        }
        changes
    }

    fn assigned(&self, leases: &mut HashMap<i64, Arc<Lease>>, cell: &Arc<Cell>, epoch: i64) -> Assignment {
        let lease = Arc::new(Lease::new(&self.group, &self.member, cell.clone(), epoch));
        leases.insert(cell.id, lease.clone());
        Assignment::Assigned(Box::new(LeasedPartition::new(self.shared.clone(), self.writer.clone(), lease)))
    }

    fn revoked(&self, lease: &Lease) -> (Assignment, oneshot::Receiver<()>) {
        let (done, finished) = oneshot::channel();
        let (topic, partition) = (lease.cell.topic.to_string(), lease.cell.number);
        (Assignment::Revoked { topic, partition, done }, finished)
    }

    /// Gives the partition back once the member is done with it, or has had its time.
    async fn release(self, lease: Arc<Lease>, done: oneshot::Receiver<()>) {
        let limit = self.shared.options.revoke_limit;
        tokio::select! {
            // Sent or dropped: both say that it is done.
            _ = done => {}
            () = sleep(limit) => {
                let (group, topic, partition) = (&self.group, &lease.cell.topic, lease.cell.number);
                tracing::warn!(%group, %topic, partition, ?limit, "a partition was not given back in time; it is taken");
            }
            () = self.shared.closed.cancelled() => return,
        }
        lease.lose(&self.shared);
        self.writer.post(Release { lease });
    }
}

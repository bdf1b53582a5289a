//! The caller's side of a membership.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{
    super::{Assignment, LogError, Membership},
    client::{Cluster, unavailable},
    member::{Control, Member},
};

/// Beyond the time that partitions have to be given back: for the last commit and the goodbye to the group.
const LEAVE_LIMIT: Duration = Duration::from_secs(15);

/// Assignments and revocations that may wait to be taken: several rebalances of a thousand partitions.
const UNTAKEN: usize = 10_000;

pub(super) struct KafkaMembership {
    assignments: mpsc::Receiver<Assignment>,
    control: Arc<Control>,
    limit: Duration,
}

impl KafkaMembership {
    /// Starts the member's thread.
    pub(super) async fn join(
        cluster: Cluster,
        group: String,
        topics: Vec<String>,
    ) -> Result<(Self, Arc<Control>), LogError> {
        let limit = cluster.config.revoke_timeout() + LEAVE_LIMIT;
        let (sender, assignments) = mpsc::channel(UNTAKEN);
        let started = spawn_blocking(move || Member::start(cluster, group, topics, sender));
        let control = started.await.map_err(unavailable)??;
        Ok((Self { assignments, control: control.clone(), limit }, control))
    }

    /// Drops what was assigned and never taken, so that it counts as given back.
    fn abandon(&mut self) {
        self.assignments.close();
        while self.assignments.try_recv().is_ok() {}
        self.control.stop();
    }
}

#[async_trait]
impl Membership for KafkaMembership {
    async fn next(&mut self) -> Result<Assignment, LogError> {
        self.assignments.recv().await.ok_or(LogError::Closed)
    }

    async fn leave(mut self: Box<Self>) {
        self.abandon();
        if !self.control.ended(self.limit).await {
            tracing::warn!(
                backend = super::BACKEND,
                group = self.control.group,
                "the group was not left in time; the brokers will notice once the session has timed out"
            );
        }
    }
}

impl Drop for KafkaMembership {
    fn drop(&mut self) {
        self.abandon();
    }
}

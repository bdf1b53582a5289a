//! The right of one member to read one partition.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    catalog::Cell,
    shared::{Commit, Shared, lock},
};
use crate::log::LogError;

/// How far the right goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Read and commit.
    Whole,
    /// Revoked: commit what is in hand.
    Finishing,
    /// Gone.
    Lost,
}

/// A member's lease on a partition.
pub(super) struct Lease {
    pub(super) group: String,
    pub(super) member: String,
    pub(super) cell: Arc<Cell>,
    /// Tells this lease from earlier and later ones on the same partition.
    pub(super) epoch: i64,
    pub(super) held: watch::Sender<Held>,
    /// Cancelled when the partition was dropped by whoever read it.
    pub(super) dropped: CancellationToken,
}

impl Lease {
    pub(super) fn new(group: &str, member: &str, cell: Arc<Cell>, epoch: i64) -> Self {
        Self {
            group: group.to_owned(),
            member: member.to_owned(),
            cell,
            epoch,
            held: watch::Sender::new(Held::Whole),
            dropped: CancellationToken::new(),
        }
    }

    /// Announces the revocation. False if there is nothing to announce.
    pub(super) fn revoke(&self) -> bool {
        self.held.send_if_modified(|held| {
            let revoked = *held == Held::Whole;
            if revoked {
                *held = Held::Finishing;
            }
            revoked
        })
    }

    /// Ends it. Commits that were accepted before are in `shared.commits` when this returns, and none come after.
    pub(super) fn lose(&self, shared: &Shared) {
        let _commits = lock(&shared.commits);
        self.held.send_replace(Held::Lost);
    }

    /// Takes a position in, to be written with the next transaction.
    pub(super) fn commit(self: &Arc<Self>, shared: &Shared, next: i64) -> Result<(), LogError> {
        shared.ensure_open()?;
        let end = self.cell.range.borrow().end;
        if next < 0 || next > end {
            let (topic, number) = (&self.cell.topic, self.cell.number);
            return Err(LogError::Invalid(format!(
                "position {next} is not within partition {number} of topic {topic}, which ends at {end}"
            )));
        }
        let mut commits = lock(&shared.commits);
        if *self.held.borrow() == Held::Lost {
            return Err(LogError::Closed);
        }
        commits.insert((self.group.clone(), self.cell.id), Commit { next, lease: Arc::clone(self) });
        Ok(())
    }
}

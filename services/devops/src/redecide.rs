//! Decides releases again when an alert was raised or closed.

use std::collections::BTreeSet;

use septet_chassis::{Cx, HandleError, Work};
use septet_proto_devops::v1::{DecideReleases, ReleaseState};

use crate::{Devops, store};

/// Releases of one transaction.
const PAGE: i64 = 50;
/// Releases of a repository that are decided again at most, those of the newest changes.
const RELEASES: u32 = 1_000;

impl Work<DecideReleases> for Devops {
    async fn work(&self, cx: &mut Cx, job: DecideReleases) -> Result<(), HandleError> {
        let before = if job.before_seq == 0 { i64::MAX } else { job.before_seq };
        let eligible = ReleaseState::Eligible as i64;
        let page = store::undecided(cx.tx().await?, &job.repository_id, eligible, before, PAGE).await?;
        let mut changes: BTreeSet<&str> = page.iter().map(|(_, change_id)| change_id.as_str()).collect();
        if job.before_seq == 0 && !job.change_id.is_empty() {
            changes.insert(&job.change_id);
        }
        for change_id in changes {
            self.decide(cx, change_id, |_| ()).await?;
        }
        let decided = job.decided.saturating_add(PAGE as u32);
        if let Some((last, _)) = page.last()
            && page.len() as i64 == PAGE
            && decided < RELEASES
        {
            cx.enqueue(&DecideReleases { before_seq: *last, decided, ..job })?;
        }
        Ok(())
    }
}

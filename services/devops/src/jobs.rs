//! The import job: when it has its turn, and what its outcome means.
//!
//! A repository that cannot be read shows why in `last_error`. Where waiting may mend it (a fetch that failed), the job
//! ends: the watch looks again after the fetch interval, so that an outage leaves no dead letters. Where it cannot, the
//! job is dead-lettered, once for each new reason; after mending the repository, redrive it or register it again.

use std::time::Duration;

use septet_chassis::{Cx, HandleError, StoreError, Work, contract::Timestamp};
use septet_proto_devops::v1::ImportCommits;

use crate::{
    Devops,
    error::code_of,
    git::GitError,
    import::{ImportError, Imported},
    store::{self, Import, Repository, State},
};

/// After so long a job asks again for its turn.
const TURN: Duration = Duration::from_secs(1);
/// Characters of an error that are kept.
const ERROR_CHARS: usize = 1_000;

impl Work<ImportCommits> for Devops {
    async fn work(&self, cx: &mut Cx, job: ImportCommits) -> Result<(), HandleError> {
        let turn = self.turns.take(&job.repository_id);
        // A second import would find nothing to do, but history may have been widened since the first one began.
        if turn.is_none() || !self.hold_import(&job.repository_id).await? {
            cx.enqueue_after(&job, TURN)?;
            return Ok(());
        }
        let outcome = self.import_one(cx, &job).await;
        if let Err(error) = self.leases.release(&import_lease(&job.repository_id)).await {
            tracing::debug!(%error, "the lease of an import runs out by itself");
        }
        outcome
    }
}

/// Name of the lease on a repository's import.
fn import_lease(repository_id: &str) -> String {
    format!("devops-import-{repository_id}")
}

impl Devops {
    /// True if no other replica imports the repository. One that does so nevertheless, after a pause, does no harm.
    pub(crate) async fn hold_import(&self, repository_id: &str) -> Result<bool, StoreError> {
        self.leases.hold(&import_lease(repository_id), Timestamp::now().micros()).await
    }

    async fn import_one(&self, cx: &mut Cx, job: &ImportCommits) -> Result<(), HandleError> {
        let (repository, tips) = {
            let mut tx = self.units.read().await?;
            let found = store::repository(&mut tx, &job.repository_id).await?;
            let Some(repository) = found else {
                return Err(HandleError::reject("DEVOPS-0006", "there is no such repository here"));
            };
            (repository, store::tips(&mut tx, &job.repository_id).await?)
        };
        let id = &repository.id;
        match self.import(cx.cause(), &repository, &tips).await {
            Ok(Imported::Nothing) => Ok(store::release(cx.tx().await?, id).await?),
            Ok(Imported::Some) => {
                cx.tx().await?;
                cx.enqueue(job)?;
                Ok(())
            }
            Ok(Imported::All { goal, digest }) => {
                let tx = cx.tx().await?;
                store::set_tips(tx, id, State::Seen, Some(&goal)).await?;
                store::set_tips(tx, id, State::Goal, None).await?;
                let import = Import { repository_id: id, since: &repository.since, refs_digest: &digest };
                if !store::finish(tx, &import).await? {
                    cx.enqueue(job)?;
                }
                Ok(())
            }
            // The process drains: it goes on where it starts again.
            Err(ImportError::Git { error: GitError::FetchInterrupted(_), .. }) => {
                cx.tx().await?;
                cx.enqueue(job)?;
                Ok(())
            }
            Err(ImportError::Git { error, digest }) => {
                self.note_failure(cx, &repository, &error, digest.as_deref()).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn note_failure(
        &self,
        cx: &Cx,
        repository: &Repository,
        error: &GitError,
        digest: Option<&str>,
    ) -> Result<(), HandleError> {
        let message: String = error.to_string().chars().take(ERROR_CHARS).collect();
        tracing::warn!(repository = repository.id, error = message, "a repository cannot be imported");
        // In a transaction of its own: that of the job is undone where it is rejected.
        let mut noted = self.units.begin(cx.cause().clone());
        let new = store::note_failure(noted.tx().await?, &repository.id, &message, digest).await?;
        noted.commit().await?;
        match new && !error.is_transient() {
            true => Err(HandleError::reject(code_of(error), message)),
            false => Ok(()),
        }
    }
}

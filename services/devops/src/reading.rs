//! Reads a registered repository at a commit.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    Devops,
    error::Error,
    git::{Checkout, GitError, ObjectId},
    store::{self, Repository},
};

impl Devops {
    /// The repository of that id.
    pub(crate) async fn repository(&self, id: &str) -> Result<Repository, Error> {
        let found = store::repository(&mut self.units.read().await?, id).await?;
        found.ok_or_else(|| Error::UnknownRepository(id.to_owned()))
    }

    /// What `read` makes of a repository that holds a commit, on a thread that may block, once a place among the readers
    /// is free.
    ///
    /// # Errors
    /// The repository or the commit is not there, or `read` fails.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        repository_id: &str,
        commit: ObjectId,
        read: impl FnOnce(&Checkout) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, Error> {
        let repository = self.repository(repository_id).await?;
        let place = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| Error::Lost)?;
        let sources = Arc::clone(&self.sources);
        let work = move || {
            let _place = place;
            let interrupt = AtomicBool::new(false);
            let checkout = sources.holding(&repository.id, &repository.location, commit, &interrupt)?;
            require(&checkout, commit)?;
            read(&checkout)
        };
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| Error::Lost)??)
    }
}

/// Fails where the commit is not there, as one that a caller made up.
pub(crate) fn require(checkout: &Checkout, commit: ObjectId) -> Result<(), GitError> {
    match checkout.commit(commit) {
        Err(GitError::Missing { repository, .. }) => Err(GitError::NoSuchCommit { repository, commit }),
        other => other.map(drop),
    }
}

//! Reads a registered repository at a commit: its files and their contents.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    Devops,
    error::Error,
    git::{Checkout, Contents, GitError, ObjectId, TreeFile},
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

    /// The files of a commit.
    ///
    /// # Errors
    /// As [`Devops::reading`].
    pub(crate) async fn tree(&self, repository_id: &str, commit: ObjectId) -> Result<Vec<TreeFile>, Error> {
        self.reading(repository_id, commit, move |checkout| checkout.files(commit)).await
    }

    /// Contents of files of a commit, in the order asked for; `None` for one that is absent, or has more than `limit`
    /// bytes.
    ///
    /// # Errors
    /// As [`Devops::reading`].
    pub(crate) async fn blobs(
        &self,
        repository_id: &str,
        commit: ObjectId,
        blobs: Vec<ObjectId>,
        limit: u64,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let read = move |checkout: &Checkout| {
            let contents = checkout.contents();
            blobs.into_iter().map(|blob| within(&contents, blob, limit)).collect()
        };
        self.reading(repository_id, commit, read).await
    }
}

/// Fails where the commit is not there, as one that a caller made up.
pub(crate) fn require(checkout: &Checkout, commit: ObjectId) -> Result<(), GitError> {
    match checkout.commit(commit) {
        Err(GitError::Missing { repository, .. }) => Err(GitError::NoSuchCommit { repository, commit }),
        other => other.map(drop),
    }
}

fn within(contents: &Contents, blob: ObjectId, limit: u64) -> Result<Option<Vec<u8>>, GitError> {
    match contents.read(blob, limit) {
        Ok(content) => Ok(Some(content)),
        Err(GitError::Missing { .. } | GitError::Content { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

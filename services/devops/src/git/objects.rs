//! Reads single objects, each within a limit, with errors that name the object.

use gix::ObjectId;
use gix::object::Kind;
use gix::objs::CommitRef;

use super::GitError;
use super::error::reason;
use super::limits::COMMIT_BYTES;

/// One thread's view of a repository's objects.
pub(super) struct Objects {
    pub(super) repository: gix::Repository,
    pub(super) name: String,
}

impl Objects {
    pub(super) fn new(repository: gix::Repository, name: String) -> Self {
        Self { repository, name }
    }

    /// Size of an object in bytes, without reading its content.
    pub(super) fn size(&self, kind: Kind, id: ObjectId) -> Result<u64, GitError> {
        let header =
            self.repository.try_find_header(id).map_err(|error| self.corrupt(kind, id, reason(&error)))?;
        let header = header.ok_or_else(|| GitError::Missing { repository: self.name.clone(), kind, id })?;
        if header.kind() != kind {
            return Err(self.corrupt(kind, id, format!("it is a {}", header.kind())));
        }
        Ok(header.size())
    }

    /// Content of an object of at most `limit` bytes.
    pub(super) fn read(&self, kind: Kind, id: ObjectId, limit: u64) -> Result<Vec<u8>, GitError> {
        let size = self.size(kind, id)?;
        if size > limit {
            return Err(GitError::TooLarge { repository: self.name.clone(), kind, id, size, limit });
        }
        let found =
            self.repository.try_find_object(id).map_err(|error| self.corrupt(kind, id, reason(&error)))?;
        let mut found = found.ok_or_else(|| GitError::Missing { repository: self.name.clone(), kind, id })?;
        Ok(std::mem::take(&mut found.data))
    }

    /// Decodes the commit `id` and hands it to `read`.
    pub(super) fn commit<T>(
        &self,
        id: ObjectId,
        read: impl FnOnce(&CommitRef<'_>) -> T,
    ) -> Result<T, GitError> {
        let data = self.read(Kind::Commit, id, COMMIT_BYTES)?;
        let commit = CommitRef::from_bytes(&data, id.kind());
        let commit = commit.map_err(|error| self.corrupt(Kind::Commit, id, reason(&error)))?;
        Ok(read(&commit))
    }

    /// Commits whose parents a shallow clone does not hold, sorted.
    pub(super) fn shallow(&self) -> Result<Vec<ObjectId>, GitError> {
        let found = self
            .repository
            .shallow_commits()
            .map_err(|error| GitError::Open { repository: self.name.clone(), reason: reason(&error) })?;
        let mut ids: Vec<ObjectId> = found.map(|ids| ids.iter().copied().collect()).unwrap_or_default();
        ids.sort_unstable();
        Ok(ids)
    }

    pub(super) fn corrupt(&self, kind: Kind, id: ObjectId, reason: String) -> GitError {
        GitError::Corrupt { repository: self.name.clone(), kind, id, reason }
    }
}

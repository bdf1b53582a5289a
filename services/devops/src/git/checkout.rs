//! A repository opened for reading.

use std::path::Path;

use super::GitError;
use super::error::reason;
use super::limits::OBJECT_ALLOCATION;
use super::objects::Objects;

/// A repository on this machine, opened read-only: a watched one, or a [`Mirror`](super::Mirror) of one. Cheap to share
/// between threads; every operation sees the repository as it is at that moment.
pub struct Checkout {
    name: String,
    repository: gix::ThreadSafeRepository,
}

impl std::fmt::Debug for Checkout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkout").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Checkout {
    /// Opens the repository at the root of a worktree or a bare repository, as [`Location::Local`](super::Location::Local)
    /// has it. Nothing outside the repository configures how it is read, and its own configuration can run no command.
    pub fn open(path: &Path) -> Result<Self, GitError> {
        Self::open_as(path, path.display().to_string())
    }

    /// Opens the repository at `path`, calling it `name` in errors.
    pub(super) fn open_as(path: &Path, name: String) -> Result<Self, GitError> {
        let repository = isolated().open(path).map_err(|error| {
            let reason = reason(&error);
            match unsupported(&reason) {
                Some(format) => GitError::Format { repository: name.clone(), format },
                None => GitError::Open { repository: name.clone(), reason },
            }
        })?;
        let opened = Self { name, repository };
        let local = opened.repository.to_thread_local();
        let storage = local.config_snapshot().string("extensions.refStorage");
        if storage.is_some_and(|storage| !storage.eq_ignore_ascii_case(b"files")) {
            return Err(GitError::Format { repository: opened.name, format: "reftable refs" });
        }
        Ok(opened)
    }

    /// Path or URL, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn objects(&self) -> Objects {
        let mut repository = self.repository.to_thread_local();
        // Neighbouring commits share most of their trees.
        repository.object_cache_size_if_unset(4 << 20);
        Objects::new(repository, self.name.clone())
    }
}

/// Options under which no configuration but the repository's own is read, and no environment variable has a say.
pub(super) fn isolated() -> gix::open::Options {
    gix::open::Options::isolated().config_overrides([OBJECT_ALLOCATION])
}

fn unsupported(reason: &str) -> Option<&'static str> {
    let reason = reason.to_ascii_lowercase();
    if reason.contains("objectformat") || reason.contains("sha256") {
        Some("sha256 objects")
    } else if reason.contains("reftable") || reason.contains("refstorage") {
        Some("reftable refs")
    } else {
        None
    }
}

//! Every bound on what is read from a repository, in one place.

use std::time::Duration;

/// Longest location that is accepted, in bytes.
pub(crate) const LOCATION_BYTES: usize = 4096;
/// Most branches of one repository.
pub(crate) const BRANCHES: usize = 100_000;
/// Most commits that one look at a repository lists.
pub(crate) const COMMITS: usize = 5_000_000;
/// Largest commit or tag object, in bytes: messages are prose.
pub(crate) const COMMIT_BYTES: u64 = 8 << 20;
/// Largest tree object, in bytes: about a million entries in one directory.
pub(crate) const TREE_BYTES: u64 = 64 << 20;
/// Deepest nesting of directories; git itself stops at 2,048, and each level here costs stack.
pub(crate) const TREE_DEPTH: usize = 512;
/// Most files that one commit may touch; the rest are counted as left out.
pub(crate) const CHANGES: usize = 300_000;
/// Most files of one commit's tree that are listed.
pub(crate) const TREE_FILES: usize = 1_000_000;
/// Longest person's name, e-mail address, or subject line kept, in characters.
pub(crate) const TEXT_CHARS: usize = 500;
/// Largest single allocation that gix may make for an object, in bytes: a last resort behind the limits above.
pub(crate) const OBJECT_ALLOCATION: &str = "gitoxide.objects.allocLimit=134217728";

/// Bounds on describing one commit. The defaults keep a commit of any size within tens of megabytes of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffLimits {
    /// Most bytes of diff text written. What does not fit is named in the diff instead of shown.
    pub diff_bytes: u64,
    /// Largest version of a file that is read, in bytes. Larger ones are reported as binary.
    pub blob_bytes: u64,
    /// Most files listed in [`Described::files`](super::Described::files); all are counted.
    pub files: usize,
    /// Files are compared by content for renames while deleted times added files is at most the square of this, as
    /// git's `diff.renameLimit`. Identical files are always found.
    pub renames: usize,
    /// Most bytes read to find renames by content; above it, only identical files are found.
    pub rename_bytes: u64,
}

impl Default for DiffLimits {
    fn default() -> Self {
        Self {
            diff_bytes: 64 << 20,
            blob_bytes: 4 << 20,
            files: 10_000,
            renames: 1_000,
            rename_bytes: 64 << 20,
        }
    }
}

/// Bounds on one fetch into a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Longest time for the whole fetch.
    pub time: Duration,
    /// Most bytes that the mirror may hold on disk.
    pub mirror_bytes: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(600), mirror_bytes: 10 << 30 }
    }
}

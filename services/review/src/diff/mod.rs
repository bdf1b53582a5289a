//! Unified diffs as `git diff`, `git show` and `diff -u` print them, read one line at a time from borrowed bytes.
//!
//! Lines of a hunk are recognised by the counts in its header, never by their look: content may itself begin with
//! `+++` or `diff --git`. Combined diffs (`@@@`, merges) are read too: a line counts as added when it is new against
//! any parent. What the hunk headers do not account for is an error and not skipped, so nothing hides from a review.

mod error;
mod header;
mod hunk;
mod path;
mod reader;

pub use error::{DiffError, DiffProblem};
pub use reader::Diff;

use std::sync::Arc;

/// What a diff may cost. A diff over a limit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole diff.
    pub max_bytes: usize,
    /// Files it changes.
    pub max_files: u32,
    /// Bytes of one line, without its line feed.
    pub max_line_bytes: usize,
}

impl Default for Limits {
    /// 64 MiB, 20,000 files, 8 MiB a line: above what people commit, below what hurts.
    fn default() -> Self {
        Limits { max_bytes: 64 << 20, max_files: 20_000, max_line_bytes: 8 << 20 }
    }
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The file is new.
    Added,
    /// The file existed and still does; its content or mode differs.
    Modified,
    /// The file is gone.
    Deleted,
    /// The file has a new name.
    Renamed,
    /// The file is a copy of another.
    Copied,
}

/// The header of one file in a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path after the change (before it, for a deleted file), without `a/` and `b/`. Bytes that are not UTF-8 and
    /// control characters are written as `\ooo`, so the path is printable and two paths never look the same.
    pub path: Arc<str>,
    /// Path before the change where it was another one.
    pub old_path: Option<Arc<str>>,
    /// What happened to the file.
    pub kind: ChangeKind,
    /// The content is binary, so there are no added lines.
    pub binary: bool,
}

/// A line that a diff adds.
#[derive(Clone, PartialEq, Eq)]
pub struct AddedLine<'a> {
    /// Path of the file, as in [`FileChange::path`].
    pub path: Arc<str>,
    /// Line number after the change, from 1.
    pub number: u32,
    /// Counts the hunks of the whole diff from 1; lines of one hunk share it.
    pub hunk: u32,
    /// The line without its `+`, line feed and carriage return.
    pub content: &'a [u8],
}

/// Shows where the line is but never its content, which may hold a secret.
impl std::fmt::Debug for AddedLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddedLine")
            .field("path", &self.path)
            .field("number", &self.number)
            .field("hunk", &self.hunk)
            .field("bytes", &self.content.len())
            .finish()
    }
}

/// What [`Diff`] yields: each file's header once, then its added lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A file begins.
    File(FileChange),
    /// A line is added to the file that began last.
    Added(AddedLine<'a>),
}

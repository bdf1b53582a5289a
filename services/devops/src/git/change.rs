//! What a commit is and what it did, as plain values.

use gix::ObjectId;

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name; bytes that are not UTF-8 are replaced, and it is cut at 500 characters.
    pub name: String,
    /// E-mail address, treated alike.
    pub email: String,
}

/// A commit without its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its hash.
    pub id: ObjectId,
    /// Hashes of its parents as the commit names them, also where a shallow clone does not hold them.
    pub parents: Vec<ObjectId>,
    /// Its author.
    pub author: Person,
    /// Author's time in seconds since 1970, held within the years 1 to 9999.
    pub authored_seconds: i64,
    /// Committer's time, treated alike.
    pub committed_seconds: i64,
    /// First line of the message that is not blank, cut at 500 characters.
    pub subject: String,
}

/// What a commit did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStatus {
    /// It is new.
    Added,
    /// Its content or its mode changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It moved, perhaps with small changes. Copies are not looked for, as in git's default.
    Renamed,
    /// It changed between file, symbolic link, and submodule.
    TypeChanged,
}

/// One file that a commit touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path after the commit (before it, where deleted). Bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Path before, where renamed.
    pub previous_path: Option<String>,
    /// What happened to it.
    pub status: FileStatus,
    /// Lines added; 0 for binary files.
    pub lines_added: u32,
    /// Lines deleted; 0 for binary files.
    pub lines_deleted: u32,
    /// True if either version is binary or over the size limit.
    pub binary: bool,
}

/// A commit with what it changed against its first parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The commit.
    pub commit: CommitInfo,
    /// Commit that the files are compared with; `None` for a root commit and at the boundary of a shallow clone.
    pub base: Option<ObjectId>,
    /// Files by path, at most [`DiffLimits::files`](super::DiffLimits::files).
    pub files: Vec<FileChange>,
    /// Files that differ, whether listed or not.
    pub files_total: u32,
    /// Bytes of diff written.
    pub diff_bytes: u64,
    /// Files whose text a limit kept out of the diff; 0 means that the diff is whole. Where the diff ended early,
    /// line counts of the files after the end are 0.
    pub left_out: u32,
}

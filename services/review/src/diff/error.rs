//! Why a diff could not be read. Messages never quote the diff: its lines may hold secrets.

/// A diff that cannot be read, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the diff: {problem}")]
pub struct DiffError {
    /// Line of the diff itself, from 1.
    pub line: u64,
    /// What is wrong there.
    pub problem: DiffProblem,
}

/// What is wrong with a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiffProblem {
    /// More bytes than [`Limits::max_bytes`](super::Limits::max_bytes).
    #[error("the diff has {bytes} bytes, more than the {limit} allowed; review it in smaller parts")]
    TooLarge {
        /// Bytes of the diff.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More files than [`Limits::max_files`](super::Limits::max_files).
    #[error("more than the {limit} files allowed; review it in smaller parts")]
    TooManyFiles {
        /// Files allowed.
        limit: u32,
    },
    /// A line longer than [`Limits::max_line_bytes`](super::Limits::max_line_bytes).
    #[error("the line is longer than the {limit} bytes allowed")]
    LineTooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A line begins with `@@` but is no hunk header, or its numbers are out of range.
    #[error("not a hunk header; expected `@@ -START,COUNT +START,COUNT @@`")]
    BadHunkHeader,
    /// A hunk comes before any file header.
    #[error("a hunk without the `---` and `+++` lines that name its file")]
    HunkWithoutFile,
    /// A line in a hunk begins with something else than space, `+`, `-` or `\`.
    #[error("a line of a hunk must begin with a space, `+`, `-` or `\\`")]
    BadHunkLine,
    /// A hunk has more lines than its header says.
    #[error("the hunk has more lines than its header says")]
    HunkTooLong,
    /// The diff ends before a hunk has all lines that its header says.
    #[error("the diff ends inside a hunk; it was cut off")]
    Truncated,
    /// A path in quotes is not closed or has an unknown escape, or a file has no name.
    #[error("the file's path cannot be read")]
    BadPath,
}

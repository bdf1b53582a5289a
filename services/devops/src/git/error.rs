//! What can go wrong with a repository, worded for the person who registered it.

use std::error::Error;
use std::path::PathBuf;

use gix::ObjectId;

/// A failure that names the repository or object, and the way out. Locations in it never hold credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The location is a relative path.
    #[error("`{0}` is a relative path: give the repository's absolute path, or a git URL")]
    RelativePath(String),
    /// The location carries a user name, password, or token.
    #[error(
        "the git URL carries credentials: remove everything between `://` and `@` and after `?`; private repositories are \
         read over ssh with the service's own key, or from a clone on this machine"
    )]
    Credentials,
    /// The location names a transport that is not served.
    #[error("`{0}` is not a transport for git URLs here: use https, http, ssh, git, or an absolute path")]
    Transport(String),
    /// The location is not a location.
    #[error(
        "the location is not usable: {0}; give an absolute path or a URL such as https://host/group/project.git"
    )]
    Location(&'static str),
    /// The path does not exist or may not be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no repository at the path or above it.
    #[error("{} is not a git repository (or any parent up to /): give a path inside one, or run `git init` there", .0.display())]
    NotARepository(PathBuf),
    /// The repository uses a format that is not read.
    #[error(
        "{repository} uses {format}, which is not supported: use a clone with sha1 objects and files for refs"
    )]
    Format {
        /// Path or URL.
        repository: String,
        /// What is not supported.
        format: &'static str,
    },
    /// The repository cannot be opened.
    #[error(
        "cannot open the git repository {repository}: {reason}; run `git status` there and mend what it reports"
    )]
    Open {
        /// Path or URL.
        repository: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Branches cannot be listed.
    #[error(
        "cannot list the branches of {repository}: {reason}; run `git for-each-ref` there and mend what it reports"
    )]
    Refs {
        /// Path or URL.
        repository: String,
        /// What is wrong.
        reason: String,
    },
    /// A branch points to nothing.
    #[error(
        "branch {name} of {repository} points to {id}, which is missing or not a commit: delete the branch there, or \
         fetch it again"
    )]
    Tip {
        /// Path or URL.
        repository: String,
        /// Full ref name.
        name: String,
        /// Its target.
        id: ObjectId,
    },
    /// A limit on the repository as a whole is exceeded.
    #[error("{repository} has more than {limit} {what}: {way_out}")]
    TooMany {
        /// Path or URL.
        repository: String,
        /// The limit.
        limit: usize,
        /// What is limited.
        what: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// The commit to start from does not exist.
    #[error(
        "there is no commit {commit} in {repository}: give the full hash of a commit that one of its branches has"
    )]
    NoSuchCommit {
        /// Path or URL.
        repository: String,
        /// The commit.
        commit: ObjectId,
    },
    /// A shortened hash leads to no commit, or to several.
    #[error(
        "`{prefix}` is not the beginning of exactly one commit's hash in {repository}: give the full hash"
    )]
    Prefix {
        /// Path or URL.
        repository: String,
        /// The shortened hash.
        prefix: String,
    },
    /// An object that another one refers to does not exist.
    #[error(
        "{kind} {id} is missing from {repository}: run `git fsck` there; a partial clone must be fetched whole with \
         `git fetch --refetch --no-filter`"
    )]
    Missing {
        /// Path or URL.
        repository: String,
        /// Kind of object.
        kind: gix::object::Kind,
        /// Its hash.
        id: ObjectId,
    },
    /// An object cannot be read.
    #[error(
        "{kind} {id} of {repository} is corrupt: {reason}; run `git fsck` there and restore it from another clone"
    )]
    Corrupt {
        /// Path or URL.
        repository: String,
        /// Kind of object.
        kind: gix::object::Kind,
        /// Its hash.
        id: ObjectId,
        /// What is wrong with it.
        reason: String,
    },
    /// An object that must be read is over its limit.
    #[error(
        "{kind} {id} of {repository} has {size} bytes, over the limit of {limit}: register a later `since`"
    )]
    TooLarge {
        /// Path or URL.
        repository: String,
        /// Kind of object.
        kind: gix::object::Kind,
        /// Its hash.
        id: ObjectId,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The content of a file is over the limit of who wants it.
    #[error("blob {id} of {repository} has {size} bytes, over the limit of {limit}: leave it out")]
    Content {
        /// Path or URL.
        repository: String,
        /// Its hash.
        id: ObjectId,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The diff could not be handed on.
    #[error("cannot write the diff of commit {commit}: {source}")]
    Sink {
        /// The commit.
        commit: ObjectId,
        /// What the sink said.
        source: std::io::Error,
    },
    /// The repository id cannot be a file name.
    #[error("`{0}` is not a repository id: use 1 to 64 letters, digits, and hyphens")]
    MirrorId(String),
    /// The mirror's directory cannot be used.
    #[error("cannot use the mirror {}: {reason}; check the disk and permissions, or delete it to fetch anew", path.display())]
    Mirror {
        /// The mirror's directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The mirror is being fetched already.
    #[error("{0} is being fetched already: wait for that to end")]
    FetchBusy(String),
    /// The server wants to know who asks.
    #[error(
        "{0} wants credentials or does not exist: private repositories are read over ssh, or from a clone on this machine"
    )]
    FetchDenied(String),
    /// The server cannot be reached or answers badly.
    #[error("cannot fetch {url}: {reason}; try `git ls-remote` with it on this machine")]
    Fetch {
        /// The URL.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The fetch took too long.
    #[error(
        "fetching {url} took longer than {seconds} s: raise the fetch time limit, or register a clone on this machine"
    )]
    FetchTime {
        /// The URL.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// The fetch was told to stop.
    #[error("fetching {0} was interrupted: it starts again at the next look")]
    FetchInterrupted(String),
    /// The repository is too large to mirror.
    #[error(
        "the mirror of {url} exceeds {limit} bytes: raise the mirror size limit, or register a clone on this machine"
    )]
    FetchSize {
        /// The URL.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
}

impl GitError {
    /// True if a later look may succeed without anybody having done anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch { .. } | Self::FetchBusy(_) | Self::FetchTime { .. } | Self::FetchInterrupted(_) => {
                true
            }
            Self::Path { source, .. } => source.kind() != std::io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

/// An error and its causes on one line of bounded length.
pub(crate) fn reason(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let line = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() && !text.contains(&line) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&line);
        }
        next = cause.source();
    }
    text.chars().take(400).collect()
}

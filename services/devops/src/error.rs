//! What can go wrong with a call, and what the caller hears of it.

use std::io::ErrorKind;

use septet_chassis::{CxError, StoreError, fault, status_of, status_of_store};
use tonic::{Code, Status};

use crate::{generate::GenerateError, git::GitError};

/// Why a call failed. Pages under `docs/errors` explain each code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field cannot be accepted.
    #[error("`{field}` {problem}")]
    Field { field: &'static str, problem: String },
    /// A page token that no list of this kind gave.
    #[error("`page.page_token` is not a token of this list")]
    PageToken,
    /// Not below any of the directories that are open for it.
    #[error("repositories at {0} may not be registered")]
    Closed(String),
    /// No such repository.
    #[error("there is no repository {0}")]
    UnknownRepository(String),
    /// No such change.
    #[error("there is no change {0}")]
    UnknownChange(String),
    /// A shortened hash that several commits begin with.
    #[error("several commits begin with {0}")]
    AmbiguousCommit(String),
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The rules of stacks make no valid pipeline.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// Too many streams of a kind.
    #[error("{0} streams are open already")]
    TooManyStreams(usize),
    /// A task of this call ended without a result.
    #[error("a task ended unexpectedly")]
    Lost,
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    /// The unit of work.
    #[error("{0}")]
    Cx(#[from] CxError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let problem = error.to_string();
        let (code, name, subject, hint): (_, _, &str, _) = match &error {
            Error::Field { field, .. } => (Code::InvalidArgument, "DEVOPS-0001", field, ""),
            Error::PageToken => (
                Code::InvalidArgument,
                "DEVOPS-0010",
                "page.page_token",
                "use `next_page_token` of the page before, with the same repository",
            ),
            Error::Closed(location) => {
                (Code::PermissionDenied, "DEVOPS-0013", location, "add its directory to `devops.local_roots`")
            }
            Error::UnknownRepository(id) => {
                (Code::NotFound, "DEVOPS-0006", id, "ListRepositories has those that are watched")
            }
            Error::UnknownChange(id) => {
                (Code::NotFound, "DEVOPS-0007", id, "ListChanges has those that are imported")
            }
            Error::AmbiguousCommit(prefix) => {
                (Code::InvalidArgument, "DEVOPS-0008", prefix, "give more of the hash")
            }
            Error::Git(git) => (status_code_of(git), code_of(git), "repository", ""),
            Error::Generate(_) => (
                Code::FailedPrecondition,
                "DEVOPS-0017",
                "devops.stack.rules_dir",
                "correct the rules of the stack",
            ),
            Error::TooManyStreams(_) => (
                Code::ResourceExhausted,
                "DEVOPS-0014",
                "devops.watch_streams",
                "end some, or raise the limit",
            ),
            Error::Lost => (Code::Internal, "DEVOPS-0015", "process", "the log says more"),
            Error::Cx(error) => return status_of(error),
            Error::Store(error) => return status_of_store(error),
        };
        fault(code, name, subject, &problem, hint)
    }
}

/// The stable code of what is wrong with a repository.
pub(crate) fn code_of(error: &GitError) -> &'static str {
    match error {
        GitError::RelativePath(_) | GitError::Transport(_) | GitError::Location(_) => "DEVOPS-0002",
        GitError::Credentials => "DEVOPS-0003",
        GitError::Path { .. } => "DEVOPS-0004",
        GitError::NotARepository(_) | GitError::Format { .. } => "DEVOPS-0005",
        GitError::NoSuchCommit { .. } | GitError::Prefix { .. } => "DEVOPS-0009",
        GitError::FetchBusy(_)
        | GitError::FetchDenied(_)
        | GitError::Fetch { .. }
        | GitError::FetchTime { .. }
        | GitError::FetchInterrupted(_)
        | GitError::FetchSize { .. } => "DEVOPS-0012",
        GitError::Content { .. } => "DEVOPS-0016",
        _ => "DEVOPS-0011",
    }
}

fn status_code_of(error: &GitError) -> Code {
    match code_of(error) {
        "DEVOPS-0002" | "DEVOPS-0003" => Code::InvalidArgument,
        "DEVOPS-0004" if matches!(error, GitError::Path { source, .. } if source.kind() == ErrorKind::NotFound) => {
            Code::NotFound
        }
        "DEVOPS-0009" => Code::NotFound,
        "DEVOPS-0012" if error.is_transient() => Code::Unavailable,
        _ => Code::FailedPrecondition,
    }
}

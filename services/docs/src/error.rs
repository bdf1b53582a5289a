use septet_chassis::{CxError, HandleError, StoreError, fault, status_of, status_of_store};
use tonic::{Code, Status};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the field `{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("nothing was checked with this {0}")]
    NotFound(&'static str),
    /// Devops does not know the commit, and never will by waiting.
    #[error("devops does not have the commit: {0}")]
    Gone(String),
    /// Devops does not answer: that says nothing about the commit.
    #[error("devops does not answer: {}", .0.message())]
    Away(#[source] Status),
    #[error("devops refused: {}", .0.message())]
    Devops(#[source] Status),
    #[error("the files were not read: {0}")]
    Reading(String),
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    #[error("{0}")]
    Cx(#[from] CxError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Error {
    /// What a job does about it.
    pub fn into_handle(self) -> HandleError {
        match self {
            away @ Error::Away(_) => HandleError::outage(away),
            other => other.into(),
        }
    }
}

/// What an answer of devops means for a commit.
impl From<Status> for Error {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::NotFound | Code::FailedPrecondition | Code::DataLoss | Code::InvalidArgument => {
                Error::Gone(status.message().to_owned())
            }
            Code::Unavailable => Error::Away(status),
            _ => Error::Devops(status),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match &error {
            Error::Invalid { field, .. } => fault(Code::InvalidArgument, "DOCS-0001", field, &text, ""),
            Error::NotFound(field) => fault(
                Code::NotFound,
                "DOCS-0002",
                field,
                &text,
                "`devops.ListChanges` lists the changes there are",
            ),
            Error::Gone(_) => fault(Code::NotFound, "DOCS-0003", "commit", &text, ""),
            Error::Away(_) | Error::Devops(_) => {
                fault(Code::Unavailable, "DOCS-0004", "devops", &text, "try again with a pause")
            }
            Error::Reading(_) => {
                tracing::error!(error = text, "files were not read");
                fault(Code::Internal, "DOCS-0005", "commit", "the files were not read; the log says more", "")
            }
            Error::Cx(error) => status_of(error),
            Error::Store(error) => status_of_store(error),
        }
    }
}

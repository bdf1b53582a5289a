use septet_chassis::{CxError, StoreError, fault, status_of, status_of_store};
use tonic::{Code, Status};

use crate::diff::DiffError;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the field `{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("{0}")]
    Diff(#[from] DiffError),
    #[error("there is no review with this {0}")]
    NotFound(&'static str),
    #[error("the scan did not end: {0}")]
    Scan(String),
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    #[error("{0}")]
    Cx(#[from] CxError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match &error {
            Error::Invalid { field, .. } => fault(Code::InvalidArgument, "REVIEW-0001", field, &text, ""),
            Error::Diff(_) => fault(
                Code::InvalidArgument,
                "REVIEW-0002",
                "diff",
                &text,
                "send a unified diff as `git diff` prints it",
            ),
            Error::NotFound(field) => fault(
                Code::NotFound,
                "REVIEW-0003",
                field,
                &text,
                "`review.ListReviews` lists those there are",
            ),
            Error::Scan(_) => {
                tracing::error!(error = text, "a scan failed");
                fault(Code::Internal, "REVIEW-0004", "diff", "the scan did not end; the log says more", "")
            }
            Error::Cx(error) => status_of(error),
            Error::Store(error) => status_of_store(error),
        }
    }
}

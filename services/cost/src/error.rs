use septet_chassis::{CxError, StoreError, fault, invalid, status_of, status_of_store};
use tonic::{Code, Status};

use crate::focus::FormatError;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the field `{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("{0}")]
    Format(#[from] FormatError),
    #[error("there is no {0} with this id")]
    NotFound(&'static str),
    #[error("the stream broke off: {0}")]
    Stream(String),
    #[error("the estimate did not end: {0}")]
    Estimate(String),
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    #[error("{0}")]
    Cx(#[from] CxError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// A field that cannot be accepted.
pub(crate) fn wrong(field: &'static str, problem: impl Into<String>) -> Error {
    Error::Invalid { field, problem: problem.into() }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match &error {
            Error::Invalid { field, problem } => invalid("COST-0001", field, problem),
            Error::Format(_) => fault(
                Code::InvalidArgument,
                "COST-0002",
                "piece",
                &text,
                "send a file in FOCUS's format; the rows before it were kept",
            ),
            Error::NotFound(what) => {
                let hint = match *what {
                    "estimate" => "`cost.ListEstimates` lists those there are",
                    _ => "`cost.ListBudgets` lists those there are",
                };
                fault(Code::NotFound, "COST-0003", what, &text, hint)
            }
            Error::Stream(_) => fault(
                Code::Aborted,
                "COST-0004",
                "stream",
                &text,
                "send it again; rows that were kept are duplicates then",
            ),
            Error::Estimate(_) => {
                tracing::error!(error = text, "an estimate failed");
                fault(
                    Code::Internal,
                    "COST-0005",
                    "manifests",
                    "the estimate did not end; the log says more",
                    "",
                )
            }
            Error::Cx(error) => status_of(error),
            Error::Store(error) => status_of_store(error),
        }
    }
}

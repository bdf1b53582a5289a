use septet_chassis::{CxError, StoreError, fault, status_of, status_of_store};
use tonic::{Code, Status};

use crate::{definition::DefinitionError, store::Lost};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the field `{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("{0}")]
    Definition(#[from] DefinitionError),
    #[error("there is no {0}")]
    NotFound(&'static str),
    #[error("{0} streams are open, which is as many as `pipeline.watch_streams` allows")]
    TooManyStreams(usize),
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    #[error("{0}")]
    Cx(#[from] CxError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lost(#[from] Lost),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match &error {
            Error::Invalid { field, .. } => fault(Code::InvalidArgument, "PIPELINE-0001", field, &text, ""),
            Error::Definition(_) => fault(
                Code::InvalidArgument,
                "PIPELINE-0002",
                "definition",
                &text,
                "`septet pipeline run FILE` tells the same without a server",
            ),
            Error::NotFound(what) => fault(
                Code::NotFound,
                "PIPELINE-0003",
                what,
                &text,
                "`pipeline.ListRuns` and `pipeline.ListPipelines` list those there are",
            ),
            Error::TooManyStreams(_) => {
                fault(Code::ResourceExhausted, "PIPELINE-0004", "streams", &text, "try again later")
            }
            Error::Cx(error) => status_of(error),
            Error::Store(error) => status_of_store(error),
            Error::Lost(_) => fault(Code::Aborted, "PIPELINE-0005", "run", &text, "try again"),
        }
    }
}

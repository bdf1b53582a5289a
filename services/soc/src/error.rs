use septet_chassis::{CxError, StoreError, fault, invalid, status_of, status_of_store};
use tonic::{Code, Status};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("there is no alert with this id")]
    UnknownAlert,
    #[error("no change with this id was assessed")]
    UnknownChange,
    #[error("{0} streams of alerts are open already")]
    TooManyStreams(usize),
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    #[error("{0}")]
    Cx(#[from] CxError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Error {
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match &error {
            Error::Invalid { field, problem } => invalid("SOC-0001", field, problem),
            Error::UnknownAlert => {
                fault(Code::NotFound, "SOC-0002", "alert_id", &text, "`soc.ListAlerts` lists those there are")
            }
            Error::UnknownChange => fault(
                Code::NotFound,
                "SOC-0003",
                "change_id",
                &text,
                "`devops.ListChanges` lists the changes there are; it takes some moments until one is assessed",
            ),
            Error::TooManyStreams(_) => fault(
                Code::ResourceExhausted,
                "SOC-0004",
                "soc.watch_streams",
                &text,
                "try again later, or raise soc.watch_streams",
            ),
            Error::Cx(error) => status_of(error),
            Error::Store(error) => status_of_store(error),
        }
    }
}

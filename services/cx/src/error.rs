use septet_chassis::{CxError, HandleError, StoreError, fault, status_of, status_of_store};
use tonic::{Code, Status};

/// Why a call or an activity was not taken. Pages under `docs/errors` explain each code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field cannot be accepted.
    #[error("the field `{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
    /// A flag's definition that would not do what it says.
    #[error("the definition cannot be used: {0}")]
    Definition(String),
    /// No such flag or experiment.
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// Somebody else was faster.
    #[error("the flag has version {0} by now")]
    Version(u64),
    /// What cannot be done to an experiment any more.
    #[error("the experiment {0}")]
    Fixed(String),
    /// A unit whose figures are beyond any sense.
    #[error("the unit's figure in `{0}` would be over 1e10")]
    Figure(String),
    /// An exposure to what is not known.
    #[error("there is no {0}")]
    UnknownExposure(String),
    /// A funnel that looks at too many events.
    #[error("more than {0} events would have to be looked at")]
    Funnel(u64),
    /// A stream that says nothing.
    #[error("nothing came for 30 seconds; {0} activities were accepted")]
    Silent(u64),
    // Not transparent: that would leave the error itself out of the chain of causes, where dispatch looks for what is transient.
    /// The unit of work.
    #[error("{0}")]
    Cx(#[from] CxError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Error {
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// Its code; `None` for what is no fault of the request.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Invalid { .. } => "CX-0001",
            Self::Definition(_) => "CX-0002",
            Self::NotFound { .. } => "CX-0003",
            Self::Version(_) => "CX-0004",
            Self::Fixed(_) => "CX-0005",
            Self::Figure(_) => "CX-0006",
            Self::UnknownExposure(_) => "CX-0007",
            Self::Funnel(_) => "CX-0008",
            Self::Silent(_) => "CX-0009",
            Self::Cx(_) | Self::Store(_) => return None,
        })
    }

    /// What it is to a delivery: what is wrong with an activity will not mend, what is wrong with the database may.
    pub fn of_delivery(self) -> HandleError {
        match (self.code(), self) {
            (Some(code), error) => HandleError::reject(code, error.to_string()),
            // Unwrapped, so that an outage is seen as one.
            (None, Self::Cx(error)) => error.into(),
            (None, Self::Store(error)) => error.into(),
            (None, error) => error.into(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let name = error.code().unwrap_or_default();
        match &error {
            Error::Invalid { field, .. } => fault(Code::InvalidArgument, name, field, &text, ""),
            Error::Definition(_) => fault(
                Code::InvalidArgument,
                name,
                "definition",
                &text,
                "`septet cx evaluate` tries a definition without a server",
            ),
            Error::NotFound { what, .. } => {
                fault(Code::NotFound, name, what, &text, "the lists have those there are")
            }
            Error::Version(_) => fault(
                Code::Aborted,
                name,
                "replaces_version",
                &text,
                "read it again, and change that version",
            ),
            Error::Fixed(_) => fault(
                Code::FailedPrecondition,
                name,
                "experiment",
                &text,
                "conclude it, and begin another one with a new id",
            ),
            Error::Figure(metric) => fault(Code::InvalidArgument, name, metric, &text, ""),
            Error::UnknownExposure(what) => fault(Code::InvalidArgument, name, what, &text, ""),
            Error::Funnel(_) => fault(
                Code::ResourceExhausted,
                name,
                "start_time",
                &text,
                "ask for less time, or raise `cx.funnel_events`",
            ),
            Error::Silent(_) => fault(
                Code::DeadlineExceeded,
                name,
                "activity",
                &text,
                "send all again: what was accepted has no effect twice",
            ),
            Error::Cx(error) => status_of(error),
            Error::Store(error) => status_of_store(error),
        }
    }
}

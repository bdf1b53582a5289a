use std::{io, path::PathBuf, time::Duration};

use crate::Kind;

/// Why a server is not there. Each is one line that names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It is not installed, which a test may skip for and a person mend.
    #[error("{kind} is not installed: {missing}; {remedy}")]
    Absent {
        /// Which server.
        kind: Kind,
        /// What was looked for and not found.
        missing: String,
        /// How to get it.
        remedy: String,
    },
    /// Another program listens where it should.
    #[error(
        "{kind} cannot have port {port}: another program listens there; stop that one or choose another port"
    )]
    PortTaken {
        /// Which server.
        kind: Kind,
        /// The port that it was to have.
        port: u16,
    },
    /// It ended while it was starting.
    #[error("{kind} ended as it started; {} ends with: {tail}", log.display())]
    Ended {
        /// Which server.
        kind: Kind,
        /// What it said.
        log: PathBuf,
        /// The last of it.
        tail: String,
    },
    /// It runs and does not answer.
    #[error("{kind} did not answer within {limit:?}; {} ends with: {tail}", log.display())]
    Silent {
        /// Which server.
        kind: Kind,
        /// How long it had.
        limit: Duration,
        /// What it said.
        log: PathBuf,
        /// The last of it.
        tail: String,
    },
    /// A signal did not end it.
    #[error("{kind} (process {pid}) still runs {limit:?} after it was told to end")]
    Stubborn {
        /// Which server.
        kind: Kind,
        /// Its process.
        pid: i32,
        /// How long it had.
        limit: Duration,
    },
    /// A program that prepares it failed.
    #[error("{kind} cannot be prepared: {program}: {why}")]
    Preparation {
        /// Which server.
        kind: Kind,
        /// What failed.
        program: String,
        /// The last that it said.
        why: String,
    },
    /// A file or program of it could not be used.
    #[error("{kind}: {what}: {source}")]
    Io {
        /// Which server.
        kind: Kind,
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl ServerError {
    pub(crate) fn io(kind: Kind, what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { kind, what, source }
    }
}

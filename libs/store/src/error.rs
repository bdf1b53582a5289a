use sqlx::error::ErrorKind;

use crate::tls;

/// Why the database did not do what was asked. Messages never carry the values of a statement.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Transient: the server is away, a lock or connection was not to be had in time, a serialisation conflict.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row with this key is there already.
    #[error("a row with this key exists already ({constraint})")]
    Duplicate {
        /// Constraint or column that says so.
        constraint: String,
    },
    /// The file is damaged or is not a SQLite database.
    #[error(
        "{location} is damaged or is not a database: {reason}; restore it from a backup, or move it away to start empty"
    )]
    Corrupt {
        /// File.
        location: String,
        /// What SQLite said.
        reason: String,
    },
    /// The database cannot be opened as configured.
    #[error("cannot open the database {location}: {reason}")]
    Open {
        /// Path, or URL without its password.
        location: String,
        /// Why not.
        reason: String,
    },
    /// The schema is older or newer than this program.
    #[error("the schema of {location} does not fit this version: {reason}")]
    Schema {
        /// Path, or URL without its password.
        location: String,
        /// How they differ, and the way out.
        reason: String,
    },
    /// A statement failed: a mistake in the program, not in its input.
    #[error("a database statement failed: {0}")]
    Statement(String),
}

impl StoreError {
    /// True if the same work may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The same, with the name of the database that it is about.
    pub(crate) fn at(self, place: &str) -> Self {
        match self {
            Self::Corrupt { reason, .. } => Self::Corrupt { location: place.to_owned(), reason },
            Self::Open { reason, .. } => Self::Open { location: place.to_owned(), reason },
            error => error,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let message = database.message().to_owned();
                if database.kind() == ErrorKind::UniqueViolation {
                    let constraint = database.constraint().map_or(message, str::to_owned);
                    return Self::Duplicate { constraint };
                }
                match database.code().map(|code| kind(&code)) {
                    Some(Kind::Transient) => Self::Unavailable(message),
                    Some(Kind::Corrupt) => {
                        Self::Corrupt { location: "the database file".to_owned(), reason: message }
                    }
                    Some(Kind::Refused) => {
                        let reason = tls::explain_refusal(message);
                        Self::Open { location: "of this service".to_owned(), reason }
                    }
                    Some(Kind::Other) | None => Self::Statement(message),
                }
            }
            sqlx::Error::Io(io) => Self::Unavailable(tls::explain(io).unwrap_or_else(|| error.to_string())),
            sqlx::Error::Tls(why) => Self::Unavailable(format!("store.tls: {why}")),
            sqlx::Error::PoolTimedOut => Self::Unavailable(
                "no connection was to be had in time: the server is away, or all of them are in use"
                    .to_owned(),
            ),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Statement(error.to_string()),
        }
    }
}

/// What a code says about the next attempt.
enum Kind {
    /// The same work may succeed.
    Transient,
    /// The file is damaged or is no database.
    Corrupt,
    /// The server does not let this role in, or has no such database.
    Refused,
    /// A mistake in the statement.
    Other,
}

/// By PostgreSQL's SQLSTATE, of five characters, or SQLite's extended result code, a shorter number whose lowest byte is
/// the primary code.
fn kind(code: &str) -> Kind {
    if code.len() < 5
        && let Ok(number) = code.parse::<u32>()
    {
        return match number & 0xff {
            // BUSY, LOCKED, IOERR, FULL.
            5 | 6 | 10 | 13 => Kind::Transient,
            // CORRUPT, NOTADB.
            11 | 26 => Kind::Corrupt,
            _ => Kind::Other,
        };
    }
    match code {
        // Serialisation failure, deadlock, lock not available, cancelled statement, standby that was the primary.
        "40001" | "40P01" | "55P03" | "57014" | "25006" => Kind::Transient,
        "3D000" => Kind::Refused,
        // Connection, operator's intervention (also: starting up, shutting down), resources (also: a full disk), the
        // server's own files.
        _ if ["08", "57P", "53", "58"].iter().any(|class| code.starts_with(class)) => Kind::Transient,
        _ if code.starts_with("28") => Kind::Refused,
        _ => Kind::Other,
    }
}

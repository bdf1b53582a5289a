use sqlx::error::ErrorKind;

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
                match database.code().as_deref() {
                    Some(code) if is_transient_code(code) => Self::Unavailable(message),
                    Some("11" | "26" | "267" | "523" | "779") => {
                        Self::Corrupt { location: "the database file".to_owned(), reason: message }
                    }
                    _ => Self::Statement(message),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Statement(error.to_string()),
        }
    }
}

/// Codes of PostgreSQL (SQLSTATE) and SQLite (extended result codes) after which the same work may succeed.
fn is_transient_code(code: &str) -> bool {
    const POSTGRES: [&str; 6] = ["40001", "40P01", "55P03", "57014", "53300", "25006"];
    // BUSY, BUSY_RECOVERY, BUSY_SNAPSHOT, BUSY_TIMEOUT, LOCKED, LOCKED_SHAREDCACHE, FULL, and I/O errors' primary code.
    const SQLITE: [&str; 8] = ["5", "261", "517", "773", "6", "262", "13", "10"];
    POSTGRES.contains(&code)
        || SQLITE.contains(&code)
        || (code.len() == 5 && (code.starts_with("08") || code.starts_with("57P") || code.starts_with("53")))
}

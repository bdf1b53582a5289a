//! Why a file did not do what was asked, in the words of the log and of the queue.

use std::path::Path;

use crate::{log::LogError, queue::QueueError};

/// What SQLite says of a damaged file, and of one that is no database.
const DAMAGED: [i32; 2] = [11, 26];

/// What SQLite says of a statement that names a table or column that is not there.
const MALFORMED: i32 = 1;

/// A failure that can be told to every caller whose write shared a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Try again.
    Unavailable(String),
    /// The file is damaged, foreign, or newer than this program.
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Closed here.
    Closed,
}

impl Fault {
    /// What an error on the file at `path` means.
    pub(crate) fn of(error: &sqlx::Error, path: &Path) -> Self {
        let damaged = |reason: String| Self::Corrupt { path: path.display().to_string(), reason };
        match error {
            sqlx::Error::Database(database) => {
                let code = database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
                // The low byte is the primary code; the rest says more about it.
                if DAMAGED.contains(&(code & 0xff)) || code == MALFORMED {
                    damaged(database.message().to_owned())
                } else {
                    Self::Unavailable(format!("{}: {}", path.display(), database.message()))
                }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => damaged(error.to_string()),
            sqlx::Error::PoolClosed => Self::Closed,
            _ => Self::Unavailable(format!("{}: {error}", path.display())),
        }
    }
}

impl From<Fault> for LogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(reason) => Self::Unavailable { backend: "embedded", reason },
            Fault::Corrupt { path, reason } => Self::Corrupt { path, reason },
            Fault::Closed => Self::Closed,
        }
    }
}

impl From<Fault> for QueueError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(reason) => Self::Unavailable { backend: "embedded", reason },
            Fault::Corrupt { path, reason } => Self::Corrupt { path, reason },
            Fault::Closed => Self::Closed,
        }
    }
}

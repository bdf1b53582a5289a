use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Which database, and how many connections to it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `postgres://user@host/database`, without a password. Absent: a SQLite file in the data directory.
    pub url: Option<String>,
    /// File that holds the PostgreSQL password.
    pub password_file: Option<PathBuf>,
    /// Connections at most (readers, on SQLite).
    pub max_connections: u32,
    /// Seconds to wait for a connection before giving up.
    pub acquire_timeout_secs: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: None, password_file: None, max_connections: 10, acquire_timeout_secs: 10 }
    }
}

impl StoreConfig {
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout_secs)
    }
}

/// Where the database is, once the configuration has been read.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A PostgreSQL URL; may carry a password.
    Postgres(String),
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// Without the password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => match (url.split_once("://"), url.rsplit_once('@')) {
                (Some((scheme, _)), Some((_, host))) => write!(f, "{scheme}://{host}"),
                _ => f.write_str(url),
            },
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::StoreTls;

/// Which database, and how many connections to it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `postgres://user@host/database`, without a password. Absent: a SQLite file in the data directory.
    pub url: Option<String>,
    /// File that holds the PostgreSQL password.
    pub password_file: Option<PathBuf>,
    /// TLS towards PostgreSQL.
    pub tls: StoreTls,
    /// Connections at most (readers, on SQLite).
    pub max_connections: u32,
    /// Seconds to wait for a connection before giving up.
    pub acquire_timeout_secs: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: None,
            password_file: None,
            tls: StoreTls::default(),
            max_connections: 10,
            acquire_timeout_secs: 10,
        }
    }
}

impl StoreConfig {
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout_secs)
    }
}

/// Without a password that the URL should not have had.
impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("url", &self.url.clone().map(StoreUrl::Postgres))
            .field("password_file", &self.password_file)
            .field("tls", &self.tls)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout_secs", &self.acquire_timeout_secs)
            .finish()
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

/// Without what may hold a password: user and password, and the parameters.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => {
                let (scheme, rest) =
                    url.split_once("://").map_or(("", url.as_str()), |(scheme, rest)| (scheme, rest));
                let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
                let host = match place.rsplit_once('@') {
                    Some((_, host)) => host,
                    // Then the question mark may be a part of a password.
                    None if parameters.contains('@') => "[redacted]",
                    None => place,
                };
                write!(f, "{scheme}{}{host}", if scheme.is_empty() { "" } else { "://" })
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Pools, Store, StoreConfig, StoreError, StoreUrl};

impl Store {
    /// Opens the database that the configuration names, or the SQLite file `default_path`.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the URL, the password file or the file cannot be used; [`StoreError::Corrupt`] if the file is
    /// no database. An absent PostgreSQL server is no error here: it is waited for.
    pub async fn open(config: &StoreConfig, default_path: &Path) -> Result<Self, StoreError> {
        match &config.url {
            None => Self::open_sqlite(default_path, config).await,
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                open_postgres(url, config)
            }
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => Self::open_sqlite(Path::new(path.trim_start_matches("//")), config).await,
                None => Err(StoreError::Open {
                    location: "store.url".to_owned(),
                    reason: "write `postgres://user@host/database` or `sqlite:PATH`".to_owned(),
                }),
            },
        }
    }

    /// Opens a SQLite file, creating it if it is not there.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_sqlite(path: &Path, config: &StoreConfig) -> Result<Self, StoreError> {
        let location = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is durable when it returns: the log's offsets and the outbox rely on it.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(config.acquire_timeout())
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(|error| match StoreError::from(error).at(&location) {
                error @ StoreError::Corrupt { .. } => error,
                error => StoreError::Open { location: location.clone(), reason: error.to_string() },
            })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(config.max_connections.max(1))
            .acquire_timeout(config.acquire_timeout())
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { pools: Pools::Sqlite { writer, readers }, location: location.into() })
    }
}

fn open_postgres(url: &str, config: &StoreConfig) -> Result<Store, StoreError> {
    let location = StoreUrl::Postgres(url.to_owned()).to_string();
    let refused = |reason: String| StoreError::Open { location: location.clone(), reason };
    let mut options = PgConnectOptions::from_str(url)
        .map_err(|error| refused(error.to_string()))?
        .disable_statement_logging();
    if let Some(path) = &config.password_file {
        let password = std::fs::read_to_string(path)
            .map_err(|error| refused(format!("password file {}: {error}", path.display())))?;
        options = options.password(password.trim_end_matches(['\r', '\n']));
    }
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections.max(1))
        .acquire_timeout(config.acquire_timeout())
        .connect_lazy_with(options);
    Ok(Store { pools: Pools::Postgres(pool), location: location.into() })
}

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Pools, Store, StoreConfig, StoreError, StoreUrl, answer::is_alive, in_time};

/// How long a connection counts as tested after it was given back, which is a test of its own: a round trip less for
/// each transaction of a busy service.
const FRESH: Duration = Duration::from_secs(1);

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
    check_url(url).map_err(&refused)?;
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| refused(error.to_string()))?
        .disable_statement_logging();
    let mut options = config.tls.apply(options).map_err(&refused)?;
    if let Some(path) = &config.password_file {
        let password = std::fs::read_to_string(path)
            .map_err(|error| refused(format!("password file {}: {error}", path.display())))?;
        options = options.password(password.trim_end_matches(['\r', '\n']));
    }
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections.max(1))
        .acquire_timeout(config.acquire_timeout())
        // The pool's own test has no limit: a connection whose other end is gone would never come back from it, and
        // take its place in the pool along.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move { Ok(about.idle_for < FRESH || is_alive(connection).await?) })
        })
        .after_release(|connection, _| Box::pin(is_alive(connection)))
        .after_connect(|connection, _| Box::pin(notice_absence(connection)))
        .connect_lazy_with(options);
    Ok(Store { pools: Pools::Postgres(pool), location: location.into() })
}

/// What has a place of its own in the configuration is not taken from the URL: a password, which belongs into a file, and
/// TLS, of which a part here and a part there would be easily misread.
fn check_url(url: &str) -> Result<(), String> {
    let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
    let user = place.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let keys: Vec<&str> =
        parameters.split('&').map(|pair| pair.split_once('=').map_or(pair, |(key, _)| key)).collect();
    if user.is_some_and(|(user, _)| user.contains(':')) || keys.contains(&"password") {
        return Err(
            "store.url holds a password; put it into a file and name that in store.password_file".to_owned()
        );
    }
    match keys.iter().find(|key| key.starts_with("ssl")) {
        Some(key) => Err(format!("store.url says {key}; TLS is configured in store.tls")),
        None => Ok(()),
    }
}

/// Has the server notice a client that is gone without a word: until then it holds the locks of that client's transaction.
async fn notice_absence(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let settings =
        "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
    in_time(sqlx::raw_sql(settings).execute(connection)).await.map(drop)
}

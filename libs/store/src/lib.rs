//! A service's own database: PostgreSQL, or a SQLite file where there is no server. One SQL text serves both.
//!
//! [`Store`] is an enum of native pools rather than `sqlx::Any`, which loses the type of a NULL bind on PostgreSQL. The
//! macro [`on_engine!`] compiles the same body once for each engine. Statements keep to what both understand: `$1`
//! placeholders, `ON CONFLICT`, `RETURNING`, window functions, partial indexes; columns are TEXT, BIGINT, DOUBLE PRECISION
//! and blobs.

mod answer;
mod config;
mod error;
mod lease;
mod migrate;
mod open;
mod tls;
mod tx;

pub use config::{StoreConfig, StoreUrl};
pub use error::StoreError;
pub use lease::Leases;
pub use migrate::Migrations;
pub use tls::{StoreTls, TlsMode};
pub use tx::Tx;

// For the macros.
#[doc(hidden)]
pub use answer::in_time;
#[doc(hidden)]
pub use sqlx;

use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

/// How long the database may take to show that it is there.
const PING: Duration = Duration::from_secs(5);

/// A service's database. Cloning shares the pools.
#[derive(Clone, Debug)]
pub struct Store {
    pools: Pools,
    /// For messages: a path, or a URL without its password.
    location: std::sync::Arc<str>,
}

#[derive(Clone, Debug)]
enum Pools {
    Postgres(PgPool),
    /// SQLite takes one writer at a time; a pool of one makes writers wait in turn instead of failing as busy.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
}

impl Store {
    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no connection can be had in time.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match &self.pools {
            Pools::Postgres(pool) => Tx::Postgres(in_time(pool.begin()).await?),
            // Taking the write lock at once, a transaction cannot fail half-way because another one writes.
            Pools::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Begins a transaction that only reads. On SQLite it does not wait for the writer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no connection can be had in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match &self.pools {
            Pools::Postgres(pool) => Tx::Postgres(
                in_time(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?,
            ),
            Pools::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
        })
    }

    /// Ok if the database answers now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let answer = async {
            match &self.pools {
                Pools::Postgres(pool) => sqlx::query("SELECT 1").execute(pool).await.map(drop),
                Pools::Sqlite { readers, .. } => sqlx::query("SELECT 1").execute(readers).await.map(drop),
            }
        };
        // A server that is cut off does not refuse: it says nothing.
        match tokio::time::timeout(PING, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_elapsed) => Err(StoreError::Unavailable(format!("no answer within {PING:?}"))),
        }
    }

    /// Where it is: a path, or a URL without its password.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Name of the engine: `postgres` or `sqlite`.
    pub fn engine(&self) -> &'static str {
        match &self.pools {
            Pools::Postgres(_) => "postgres",
            Pools::Sqlite { .. } => "sqlite",
        }
    }

    /// True where other processes may use the same database at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                // Last, so that SQLite folds the write-ahead log into the file.
                writer.close().await;
            }
        }
    }
}

/// Runs one body on the connection of whichever engine a [`Tx`] is of. The body gives a `sqlx::Result`.
///
/// ```ignore
/// on_engine!(tx, conn => sqlx::query("DELETE FROM page WHERE id = $1").bind(id).execute(conn).await)?;
/// ```
#[macro_export]
macro_rules! on_engine {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $crate::in_time(async { $body }).await
            }
            $crate::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

//! A durable SQLite file of ours: opened, recognised, and its failures named.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::fault::Fault;

/// How long a write waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// Files up to this size are checked whole when they are opened; larger ones fail where the damage is met.
const CHECKED_WHOLE: u64 = 16 << 20;

/// What SQLite files begin with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What a file holds.
pub(crate) struct Kind {
    /// Its name inside the directory.
    pub(crate) name: &'static str,
    /// Tells it from SQLite files of other programs.
    pub(crate) application_id: i32,
    /// The schema that this program writes and reads.
    pub(crate) version: i32,
    /// Creates that schema in an empty file.
    pub(crate) schema: &'static str,
}

/// An open file; connections are made from it.
pub(crate) struct File {
    path: PathBuf,
}

impl File {
    /// Opens `dir`'s file of this kind, or creates it, and gives the one connection that writes.
    pub(crate) async fn open(dir: &Path, kind: &Kind) -> Result<(Self, SqliteConnection), Fault> {
        let file = Self { path: dir.join(kind.name) };
        let size = file.create(dir)?;
        let mut connection = file.options().connect().await.map_err(|error| Fault::of(&error, &file.path))?;
        match file.recognise(&mut connection, kind, size).await {
            Ok(()) => Ok((file, connection)),
            Err(fault) => {
                // The file is not ours to write to; nothing is lost when the connection does not close in order.
                let _ = connection.close().await;
                Err(fault)
            }
        }
    }

    /// Connections that read beside the writer.
    pub(crate) fn readers(&self, count: u32) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(count)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(self.options().pragma("query_only", "ON"))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(false)
            .busy_timeout(BUSY)
            .disable_statement_logging()
    }

    /// Creates what is missing, readable by its owner alone, and gives the file's size.
    fn create(&self, dir: &Path) -> Result<u64, Fault> {
        let at = |path: &Path| {
            let path = path.display().to_string();
            move |error: std::io::Error| Fault::Unavailable(format!("{path}: {error}"))
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let mut file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)
            .map_err(at(&self.path))?;
        let size = file.metadata().map_err(at(&self.path))?.len();
        if size > 0 {
            let mut magic = [0; MAGIC.len()];
            if file.read_exact(&mut magic).is_err() || magic != MAGIC {
                return Err(self.corrupt("it is not an SQLite database"));
            }
        }
        Ok(size)
    }

    /// Checks that the file is ours before anything is written to it, and gives an empty one its schema.
    async fn recognise(
        &self,
        connection: &mut SqliteConnection,
        kind: &Kind,
        size: u64,
    ) -> Result<(), Fault> {
        let fault = |error| Fault::of(&error, &self.path);
        let number = async |connection: &mut SqliteConnection, sql: &'static str| {
            sqlx::query_scalar::<_, i64>(sql).fetch_one(connection).await.map_err(fault)
        };
        let tables = number(connection, "SELECT count(*) FROM sqlite_schema").await?;
        let application = number(connection, "PRAGMA application_id").await?;
        let version = number(connection, "PRAGMA user_version").await?;
        if tables > 0 && application != i64::from(kind.application_id) {
            return Err(self.corrupt("it is the database of another program"));
        }
        if version > i64::from(kind.version) {
            return Err(self.corrupt(&format!(
                "a newer version of this program wrote it (schema {version}, this one knows {})",
                kind.version
            )));
        }
        if tables > 0 && size <= CHECKED_WHOLE {
            let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
                .fetch_one(&mut *connection)
                .await
                .map_err(fault)?;
            if verdict != "ok" {
                return Err(self.corrupt(&verdict));
            }
        }
        sqlx::raw_sql(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;",
        )
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        if version < i64::from(kind.version) {
            let schema = format!(
                "BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                kind.schema, kind.application_id, kind.version
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(schema)).execute(connection).await.map_err(fault)?;
        }
        Ok(())
    }

    fn corrupt(&self, reason: &str) -> Fault {
        Fault::Corrupt { path: self.path.display().to_string(), reason: reason.to_owned() }
    }
}

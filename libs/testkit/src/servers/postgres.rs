//! PostgreSQL.

use std::{fs, path::PathBuf, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

use super::{
    process::{Account, free_port, ready, start},
    skip,
};
use crate::conformance::unique;

/// Names a running server whose role may create databases, as `postgres://role:password@host:port/database`.
const URL: &str = "SEPTET_TEST_POSTGRES_URL";

/// Where Debian installs the servers, one directory for each version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    /// Without the database at its end.
    base: String,
    /// The database that the role may connect to for administration.
    home: String,
}

/// This process's PostgreSQL, started when it is first asked for; `None` where there is none (see [`super`]).
pub async fn postgres() -> Option<&'static Postgres> {
    static SERVER: OnceCell<Result<Postgres, String>> = OnceCell::const_new();
    match SERVER.get_or_init(find_or_start).await {
        Ok(server) => Some(server),
        Err(why) => {
            skip("PostgreSQL", why);
            None
        }
    }
}

impl Postgres {
    /// Creates an empty database with a name of its own, and gives its URL.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn create_database(&self) -> String {
        let name = unique("septet").replace('-', "_");
        let mut connection = PgConnection::connect(&format!("{}/{}", self.base, self.home))
            .await
            .expect("PostgreSQL takes the connection");
        // The name is made here, of letters, digits and underscores.
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .expect("PostgreSQL creates a database");
        // The database is there; how the connection ends does not matter.
        let _ = connection.close().await;
        format!("{}/{name}", self.base)
    }
}

async fn find_or_start() -> Result<Postgres, String> {
    match std::env::var(URL) {
        Ok(url) => {
            let (base, home) =
                url.rsplit_once('/').ok_or_else(|| format!("{URL} does not end with /database"))?;
            Ok(Postgres { base: base.to_owned(), home: home.to_owned() })
        }
        Err(_) => start_installed().await,
    }
}

async fn start_installed() -> Result<Postgres, String> {
    let bin = newest().ok_or_else(|| format!("{URL} is not set, and {INSTALLED} has no server"))?;
    let failed = |error: std::io::Error| format!("cannot start {}: {error}", bin.display());
    let account = Account::of("postgres")?;
    let dir = account.directory("postgres").map_err(failed)?;
    let (data, log) = (dir.join("data"), dir.join("log"));
    let mut initdb = account.command(&bin.join("initdb"), "KILL", &log).map_err(failed)?;
    initdb.current_dir(&dir).arg("-D").arg(&data);
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    let outcome =
        tokio::task::spawn_blocking(move || initdb.status()).await.map_err(|error| error.to_string())?;
    if !outcome.map_err(failed)?.success() {
        let said = fs::read_to_string(&log).unwrap_or_default();
        return Err(format!("initdb failed: {}", said.lines().last().unwrap_or("it said nothing")));
    }
    let port = free_port().map_err(failed)?;
    // INT is its fast shutdown, which leaves no shared memory behind.
    let mut server = account.command(&bin.join("postgres"), "INT", &log).map_err(failed)?;
    server.current_dir(&dir).arg("-D").arg(&data).arg("-p").arg(port.to_string());
    // Its files go with the test: a sync would guard them against power loss only.
    for setting in
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=200"]
    {
        server.arg("-c").arg(setting);
    }
    start(server).map_err(failed)?;
    let base = format!("postgres://postgres@127.0.0.1:{port}");
    let home = format!("{base}/postgres");
    ready("PostgreSQL", &log, Duration::from_secs(60), async || PgConnection::connect(&home).await.is_ok())
        .await?;
    Ok(Postgres { base, home: "postgres".to_owned() })
}

/// The programs of the newest installed version.
fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLED).ok()?.flatten();
    let numbered =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let bin = numbered.max()?.1.join("bin");
    bin.join("postgres").exists().then_some(bin)
}

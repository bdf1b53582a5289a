//! PostgreSQL.

use septet_servers::{Kind, Server};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

use super::own::{Found, find_or_start};
use crate::conformance::unique;

/// Its files go with the test: a sync would guard them against power loss only.
const SETTINGS: [(&str, &str); 1] = [("fsync", "off")];

/// A running PostgreSQL. Tests share it: each creates a database of its own.
#[derive(Debug)]
pub struct Postgres {
    /// Of the database that the role may connect to for administration.
    url: String,
    /// Ends when it is dropped.
    _own: Option<Server>,
}

/// The PostgreSQL that `SEPTET_TEST_POSTGRES_URL` names (`postgres://role@host:port/database`, of a role that may create
/// databases; its password, if it has one, in `PGPASSWORD`), else this process's own, started when it is first asked for;
/// `None` where there is none (see [`super`]).
///
/// # Panics
/// If it is installed and does not start.
pub async fn postgres() -> Option<&'static Postgres> {
    static SERVER: OnceCell<Found<Postgres>> = OnceCell::const_new();
    let start = || find_or_start(Kind::Postgres, &SETTINGS, |url, own| Postgres { url, _own: own });
    SERVER.get_or_init(start).await.or_skip(Kind::Postgres)
}

impl Postgres {
    /// Creates an empty database with a name of its own, and gives its URL.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn create_database(&self) -> String {
        let name = unique("septet").replace('-', "_");
        let (base, _) = self.url.rsplit_once('/').expect("the URL ends with /database");
        let mut connection = PgConnection::connect(&self.url).await.expect("PostgreSQL takes the connection");
        // The name is made here, of letters, digits and underscores.
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .expect("PostgreSQL creates a database");
        // The database is there; how the connection ends does not matter.
        let _ = connection.close().await;
        format!("{base}/{name}")
    }
}

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Creates an empty database for a service on the server of this URL; gives the database's URL.
pub(super) async fn create(server: &str, service: &str) -> String {
    let name = format!("septet_{service}_{:08x}", rand::random::<u32>());
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL takes the connection");
    // The name is made here, of letters, digits and underscores.
    connection
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .expect("PostgreSQL creates a database");
    // The database is there; how the connection ends does not matter.
    let _ = connection.close().await;
    let (base, _) = server.rsplit_once('/').expect("the server's URL ends with a database");
    format!("{base}/{name}")
}

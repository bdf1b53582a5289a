//! A server that is cut off does not refuse: it says nothing, and TCP takes a quarter of an hour to notice. So everything
//! that waits for PostgreSQL ends in time here.

use std::{io, time::Duration};

use sqlx::{Connection, PgConnection};

/// How long a statement may take, its wait for locks included.
const STATEMENT: Duration = Duration::from_secs(15);
/// How long a connection may take to show that somebody is at its other end.
const ALIVE: Duration = Duration::from_secs(3);

/// The answer, or the error of a connection that is lost.
///
/// # Errors
/// What the statement says, or that there was no answer in time.
pub async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    within(STATEMENT, answer).await
}

/// True, for the pool, if the connection can be used.
pub(crate) async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    within(ALIVE, connection.ping()).await.map(|()| true)
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_elapsed) => {
            let silence = format!("no answer within {limit:?}");
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, silence)))
        }
    }
}

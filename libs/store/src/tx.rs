use sqlx::{Postgres, Sqlite, Transaction};

use crate::{StoreError, in_time, on_engine};

/// A transaction. Dropping it rolls it back.
#[derive(Debug)]
pub enum Tx {
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
}

impl Tx {
    /// Makes its changes durable.
    ///
    /// # Errors
    /// [`StoreError`]; the outcome is then unknown if the connection was lost meanwhile.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(tx) => in_time(tx.commit()).await?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Fails where a statement of it has failed. PostgreSQL answers the commit of such a transaction with a rollback,
    /// and no error.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be committed.
    pub async fn check(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(_) => self.run("SELECT 1").await,
            // A statement that fails undoes itself alone.
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Undoes its changes, and waits for it.
    ///
    /// # Errors
    /// [`StoreError`] if the connection was lost; the database then undoes them by itself.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(tx) => in_time(tx.rollback()).await?,
            Self::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// Marks a point to return to.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails.
    pub async fn set_savepoint(&mut self) -> Result<(), StoreError> {
        self.run("SAVEPOINT septet").await
    }

    /// Moves the mark of [`Tx::set_savepoint`] here: what was done before it stays. One round trip, and never more than
    /// one savepoint open: PostgreSQL slows down past 64.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails.
    pub async fn move_savepoint(&mut self) -> Result<(), StoreError> {
        self.run("RELEASE SAVEPOINT septet; SAVEPOINT septet").await
    }

    /// Undoes what was done since [`Tx::set_savepoint`].
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails.
    pub async fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK TO SAVEPOINT septet").await
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), StoreError> {
        on_engine!(self, conn => sqlx::raw_sql(statement).execute(conn).await.map(drop))?;
        Ok(())
    }
}

use std::time::Duration;

use crate::{Store, StoreError, on_engine};

/// Leases by name in the table `lease(name, owner, expires_at)`: at most one owner at a time, by the clocks of the
/// machines, so what a lease guards must bear a short overlap.
#[derive(Clone, Debug)]
pub struct Leases {
    store: Store,
    owner: String,
    duration: Duration,
}

impl Leases {
    /// Leases that `owner` (unique for each process) takes for `duration` at a time.
    pub fn new(store: Store, owner: String, duration: Duration) -> Self {
        Self { store, owner, duration }
    }

    /// How often to call [`Leases::hold`] to keep a lease.
    pub fn renewal(&self) -> Duration {
        self.duration / 3
    }

    /// Takes or keeps the lease; true if it is ours until `now` (microseconds) and the duration.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away: then the lease must be taken as lost.
    pub async fn hold(&self, name: &str, now: i64) -> Result<bool, StoreError> {
        if !self.store.is_shared() {
            // A SQLite file has one process; see the lock on the data directory.
            return Ok(true);
        }
        let expires = now.saturating_add(i64::try_from(self.duration.as_micros()).unwrap_or(i64::MAX));
        let mut tx = self.store.begin().await?;
        let taken = on_engine!(&mut tx, conn => sqlx::query(
            "INSERT INTO lease (name, owner, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
             WHERE lease.owner = excluded.owner OR lease.expires_at < $4",
        )
        .bind(name).bind(&self.owner).bind(expires).bind(now)
        .execute(conn).await.map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(taken == 1)
    }

    /// Gives the lease back, so that another process need not wait for its end.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away; the lease then runs out by itself.
    pub async fn release(&self, name: &str) -> Result<(), StoreError> {
        if !self.store.is_shared() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        on_engine!(&mut tx, conn => sqlx::query("DELETE FROM lease WHERE name = $1 AND owner = $2")
            .bind(name).bind(&self.owner).execute(conn).await.map(drop))?;
        tx.commit().await
    }
}

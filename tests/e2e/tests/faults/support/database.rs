//! The services' databases as they are, past the services.

use std::{collections::HashMap, time::Duration};

use futures_util::TryStreamExt;
use septet_testkit::history::History;
use sqlx::{
    Row,
    postgres::{PgPool, PgPoolOptions, PgRow},
};
use uuid::Uuid;

use super::{operation::Operation, published::Published};

/// Numbers given to effects lately, which may be committed after higher ones.
const UNSETTLED: i64 = 20_000;

/// One service's database.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
}

/// What a review says, in the database and in its event.
#[derive(Debug, Hash)]
pub struct Content {
    pub change_id: String,
    pub repository: String,
    pub commit: String,
    pub verdict: i64,
    pub reason: String,
    pub files: i64,
    pub lines: i64,
    /// Low, medium, high, critical.
    pub counts: [i64; 4],
}

/// How many reviews of events there are, told without counting all of them each time.
#[derive(Debug, Default)]
pub struct Progress {
    /// Up to this number all are counted.
    floor: i64,
    counted: i64,
}

impl Database {
    /// Connects when it is first asked.
    ///
    /// # Panics
    /// If this is no URL.
    pub fn new(url: &str) -> Self {
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(5));
        Self { pool: pool.connect_lazy(url).expect("a PostgreSQL URL") }
    }

    /// Lets PostgreSQL number reviews as they are inserted: their order then rests on no clock, as that of their ids
    /// does. Before the first review.
    ///
    /// # Panics
    /// If the database refuses.
    pub async fn number_effects(&self) {
        for statement in [
            "ALTER TABLE review ADD COLUMN effect BIGINT GENERATED ALWAYS AS IDENTITY",
            "CREATE INDEX review_effect ON review (effect) WHERE commit_hash LIKE 'event-%'",
        ] {
            sqlx::query(statement).execute(&self.pool).await.expect("reviews are numbered");
        }
    }

    /// Looks how many events were reviewed.
    ///
    /// # Errors
    /// What the database says, or that it says nothing.
    pub async fn progress(&self, progress: &mut Progress) -> sqlx::Result<u64> {
        let (settled, all, newest): (i64, i64, Option<i64>) = sqlx::query_as(
            "SELECT COUNT(*) FILTER (WHERE effect <= (SELECT MAX(effect) FROM review WHERE commit_hash LIKE 'event-%') - $2),
                 COUNT(*), MAX(effect)
             FROM review WHERE commit_hash LIKE 'event-%' AND effect > $1",
        )
        .bind(progress.floor)
        .bind(UNSETTLED)
        .fetch_one(&self.pool)
        .await?;
        let counted = progress.counted + all;
        let floor = newest.unwrap_or(0) - UNSETTLED;
        if floor > progress.floor {
            (progress.floor, progress.counted) = (floor, progress.counted + settled);
        }
        Ok(u64::try_from(counted).unwrap_or(0))
    }

    /// Writes every review of the load into the history, in the order in which they were inserted, and every review
    /// into the ledger.
    ///
    /// # Panics
    /// If the database refuses, or a review says something else than its diff did.
    pub async fn read_reviews(&self, history: &History, published: &mut Published) {
        let mut rows = sqlx::query("SELECT * FROM review ORDER BY effect").fetch(&self.pool);
        while let Some(row) = rows.try_next().await.expect("reviews are read") {
            let content = content(&row);
            published.effect(uuid(&row, "id"), &content);
            let Some(operation) = Operation::parse(&content.commit) else { continue };
            history.effect(&content.commit);
            let (lines, failed) = (i64::from(operation.lines()), content.verdict == 2);
            assert_eq!(content.repository, operation.repository(), "{content:?}");
            assert_eq!((content.lines, failed), (lines, operation.has_secret()), "{content:?}");
        }
    }

    /// Changes and their commits, in the order in which they were imported.
    ///
    /// # Panics
    /// If the database refuses.
    pub async fn changes(&self) -> Vec<(Uuid, String)> {
        let rows = sqlx::query("SELECT id, commit_id FROM change ORDER BY seq");
        let rows = rows.fetch_all(&self.pool).await.expect("changes are read");
        rows.iter().map(|row| (uuid(row, "id"), row.get("commit_id"))).collect()
    }

    /// The review of each change.
    ///
    /// # Panics
    /// If the database refuses.
    pub async fn reviews_of_changes(&self) -> HashMap<Uuid, Uuid> {
        let rows = sqlx::query("SELECT change_id, id FROM review WHERE change_id IS NOT NULL");
        let rows = rows.fetch_all(&self.pool).await.expect("reviews are read");
        rows.iter().map(|row| (uuid(row, "change_id"), uuid(row, "id"))).collect()
    }

    /// Steps of the changes' journeys: change and event.
    ///
    /// # Panics
    /// If the database refuses.
    pub async fn steps(&self) -> Vec<(Uuid, Uuid)> {
        let rows = sqlx::query("SELECT change_id, event_id FROM journey_step").fetch_all(&self.pool).await;
        rows.expect("steps are read")
            .iter()
            .map(|row| (uuid(row, "change_id"), uuid(row, "event_id")))
            .collect()
    }

    /// A number.
    ///
    /// # Errors
    /// What the database says, or that it says nothing.
    pub async fn count(&self, statement: &'static str) -> sqlx::Result<i64> {
        sqlx::query_scalar(statement).fetch_one(&self.pool).await
    }

    /// Who holds the lease of a relay, while it is valid.
    pub async fn relay_owner(&self, lane: &str) -> Option<String> {
        let statement = "SELECT owner FROM lease WHERE name = $1 AND expires_at > $2";
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        let found = sqlx::query_scalar(statement)
            .bind(format!("relay-{lane}"))
            .bind(i64::try_from(now).unwrap_or(i64::MAX))
            .fetch_optional(&self.pool);
        found.await.ok().flatten()
    }
}

fn content(row: &PgRow) -> Content {
    let text = |name| row.get::<Option<String>, _>(name).unwrap_or_default();
    Content {
        change_id: text("change_id"),
        repository: text("repository_name"),
        commit: text("commit_hash"),
        verdict: row.get("verdict"),
        reason: text("reason"),
        files: row.get("files_scanned"),
        lines: row.get("lines_scanned"),
        counts: ["low", "medium", "high", "critical"].map(|severity| row.get(severity)),
    }
}

fn uuid(row: &PgRow, column: &str) -> Uuid {
    let text: &str = row.get(column);
    text.parse().unwrap_or_else(|_| panic!("{column} is no UUID: {text}"))
}

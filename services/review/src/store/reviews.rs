use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_common::v1::{Severity, Verdict};
use septet_proto_review::v1::{Review, SeverityCount};
use sqlx::QueryBuilder;

use super::Stored;

/// Which reviews.
#[derive(Default)]
pub(crate) struct ReviewsFilter {
    /// Empty for all.
    pub repository_id: String,
    pub verdict: Verdict,
}

/// Figures over all reviews that match.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub reviews: u64,
    pub failed: u64,
    pub findings: u64,
}

/// Keeps a review in the place of an earlier one of the same change.
pub(crate) async fn save(tx: &mut Tx, stored: &Stored) -> Result<(), StoreError> {
    let review = &stored.review;
    let change_id = (!review.change_id.is_empty()).then_some(review.change_id.as_str());
    on_engine!(&mut *tx, conn =>
        sqlx::query("DELETE FROM review WHERE change_id = $1").bind(change_id).execute(conn).await.map(drop))?;
    let of = |severity: Severity| {
        review.counts.iter().find(|of| of.severity() == severity).map_or(0, |of| i64::from(of.count))
    };
    on_engine!(&mut *tx, conn => sqlx::query(
        "INSERT INTO review (id, change_id, repository_id, repository_name, commit_hash, verdict, reason, files_scanned,
             lines_scanned, rules_version, low, medium, high, critical, reviewed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&review.id).bind(change_id).bind(&review.repository_id).bind(&review.repository_name).bind(&review.commit)
    .bind(i64::from(review.verdict)).bind(&review.reason).bind(i64::from(review.files_scanned))
    .bind(i64::from(review.lines_scanned)).bind(&review.rules_version).bind(of(Severity::Low))
    .bind(of(Severity::Medium)).bind(of(Severity::High)).bind(of(Severity::Critical))
    .bind(review.time.map_or(0, |time| Timestamp::from(time).micros()))
    .execute(conn).await.map(drop))?;
    // Below the engines' limits on the number of binds.
    for (some, first) in stored.findings.chunks(100).zip((0..).step_by(100)) {
        on_engine!(&mut *tx, conn => {
            let mut statement = QueryBuilder::new(
                "INSERT INTO finding (id, review_id, file, line, rule_id, description, severity, excerpt, fingerprint) ",
            );
            statement.push_values(some.iter().zip(first..), |mut row, (finding, number): (_, u32)| {
                row.push_bind(format!("{}/{number:06}", review.id))
                    .push_bind(&review.id)
                    .push_bind(&finding.file)
                    .push_bind(i64::from(finding.line))
                    .push_bind(&finding.rule_id)
                    .push_bind(&finding.description)
                    .push_bind(i64::from(finding.severity))
                    .push_bind(&finding.excerpt)
                    .push_bind(&finding.fingerprint);
            });
            statement.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// The review with this id.
pub(crate) async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Review>, StoreError> {
    let row: Option<Row> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT * FROM review WHERE id = $1").bind(id).fetch_optional(conn).await)?;
    Ok(row.map(Row::read))
}

/// The review of this change.
pub(crate) async fn by_change(tx: &mut Tx, change_id: &str) -> Result<Option<Review>, StoreError> {
    let row: Option<Row> = on_engine!(tx, conn =>
        sqlx::query_as("SELECT * FROM review WHERE change_id = $1").bind(change_id).fetch_optional(conn).await)?;
    Ok(row.map(Row::read))
}

/// Reviews, newest first: at most `limit`, with ids below `before` where that is not empty.
pub(crate) async fn list_reviews(
    tx: &mut Tx,
    filter: &ReviewsFilter,
    before: &str,
    limit: u32,
) -> Result<Vec<Review>, StoreError> {
    let rows: Vec<Row> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT * FROM review
         WHERE ($1 = '' OR repository_id = $1) AND ($2 = 0 OR verdict = $2) AND ($3 = '' OR id < $3)
         ORDER BY id DESC LIMIT $4",
    )
    .bind(&filter.repository_id).bind(i64::from(filter.verdict as i32)).bind(before).bind(i64::from(limit))
    .fetch_all(conn).await)?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// Figures over all reviews that match.
pub(crate) async fn totals(tx: &mut Tx, filter: &ReviewsFilter) -> Result<Totals, StoreError> {
    let (reviews, failed, findings): (i64, i64, i64) = on_engine!(tx, conn => sqlx::query_as(
        "SELECT COUNT(*), COUNT(CASE WHEN verdict = $3 THEN 1 END),
             CAST(COALESCE(SUM(low + medium + high + critical), 0) AS BIGINT)
         FROM review WHERE ($1 = '' OR repository_id = $1) AND ($2 = 0 OR verdict = $2)",
    )
    .bind(&filter.repository_id).bind(i64::from(filter.verdict as i32)).bind(i64::from(Verdict::Failed as i32))
    .fetch_one(conn).await)?;
    let number = |count| u64::try_from(count).unwrap_or(0);
    Ok(Totals { reviews: number(reviews), failed: number(failed), findings: number(findings) })
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    change_id: Option<String>,
    repository_id: String,
    repository_name: String,
    commit_hash: String,
    verdict: i64,
    reason: String,
    files_scanned: i64,
    lines_scanned: i64,
    rules_version: String,
    low: i64,
    medium: i64,
    high: i64,
    critical: i64,
    reviewed_at: i64,
}

impl Row {
    fn read(self) -> Review {
        let small = |number: i64| u32::try_from(number).unwrap_or(0);
        let counts = [
            (Severity::Critical, self.critical),
            (Severity::High, self.high),
            (Severity::Medium, self.medium),
            (Severity::Low, self.low),
        ];
        Review {
            id: self.id,
            change_id: self.change_id.unwrap_or_default(),
            repository_name: self.repository_name,
            commit: self.commit_hash,
            verdict: i32::try_from(self.verdict).unwrap_or(0),
            reason: self.reason,
            counts: counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(severity, count)| SeverityCount { severity: severity.into(), count: small(count) })
                .collect(),
            files_scanned: small(self.files_scanned),
            lines_scanned: small(self.lines_scanned),
            time: Some(Timestamp::from_micros(self.reviewed_at).into()),
            rules_version: self.rules_version,
            repository_id: self.repository_id,
        }
    }
}

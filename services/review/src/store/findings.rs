use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_common::v1::Severity;
use septet_proto_review::v1::{Finding, ListedFinding};

/// Which findings. Empty texts for all.
#[derive(Default)]
pub(crate) struct FindingsFilter {
    pub review_id: String,
    pub change_id: String,
    pub repository_id: String,
    /// This severity or worse.
    pub min_severity: Severity,
}

/// Where a finding stands in the list: worst first, and newest first within a severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub severity: i64,
    pub id: String,
}

/// Findings, worst first: at most `limit`, after `after`.
pub(crate) async fn list_findings(
    tx: &mut Tx,
    filter: &FindingsFilter,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<(Place, ListedFinding)>, StoreError> {
    // Before every finding.
    let top = Place { severity: i64::from(i32::MAX), id: String::new() };
    let after = after.unwrap_or(&top);
    let rows: Vec<Row> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT finding.id, finding.file, finding.line, finding.rule_id, finding.description, finding.severity,
             finding.excerpt, finding.fingerprint, review.id AS review_id, review.change_id, review.repository_name,
             review.commit_hash
         FROM finding JOIN review ON review.id = finding.review_id
         WHERE ($1 = '' OR review.id = $1) AND ($2 = '' OR review.change_id = $2)
             AND ($3 = '' OR review.repository_id = $3) AND finding.severity >= $4
             AND (finding.severity < $5 OR (finding.severity = $5 AND finding.id < $6))
         ORDER BY finding.severity DESC, finding.id DESC LIMIT $7",
    )
    .bind(&filter.review_id).bind(&filter.change_id).bind(&filter.repository_id)
    .bind(i64::from(filter.min_severity as i32)).bind(after.severity).bind(&after.id).bind(i64::from(limit))
    .fetch_all(conn).await)?;
    Ok(rows.into_iter().map(Row::read).collect())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    file: String,
    line: i64,
    rule_id: String,
    description: String,
    severity: i64,
    excerpt: String,
    fingerprint: String,
    review_id: String,
    change_id: Option<String>,
    repository_name: String,
    commit_hash: String,
}

impl Row {
    fn read(self) -> (Place, ListedFinding) {
        let finding = Finding {
            file: self.file,
            line: u32::try_from(self.line).unwrap_or(0),
            rule_id: self.rule_id,
            description: self.description,
            severity: i32::try_from(self.severity).unwrap_or(0),
            excerpt: self.excerpt,
            fingerprint: self.fingerprint,
        };
        let listed = ListedFinding {
            finding: Some(finding),
            review_id: self.review_id,
            change_id: self.change_id.unwrap_or_default(),
            repository_name: self.repository_name,
            commit: self.commit_hash,
        };
        (Place { severity: self.severity, id: self.id }, listed)
    }
}

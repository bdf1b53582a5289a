use septet_chassis::{StoreError, Tx, on_engine};

use crate::release::Alerts;

/// A critical alert.
pub(crate) struct Alert<'a> {
    pub alert_id: &'a str,
    pub repository_id: &'a str,
    /// Empty where it is about none.
    pub change_id: &'a str,
    pub title: &'a str,
    /// Microseconds.
    pub raised_at: i64,
    pub closed: bool,
}

/// Keeps an alert. Once closed it stays so, in whatever order its events come.
pub(crate) async fn keep_alert(tx: &mut Tx, alert: &Alert<'_>) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO alert (alert_id, repository_id, change_id, title, raised_at, closed)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (alert_id) DO UPDATE SET closed = CASE WHEN alert.closed = 1 THEN 1 ELSE excluded.closed END"
    )
    .bind(alert.alert_id).bind(alert.repository_id).bind(alert.change_id).bind(alert.title).bind(alert.raised_at)
    .bind(i64::from(alert.closed)).execute(conn).await.map(drop))?;
    Ok(())
}

/// The alerts that bear on a change of a repository: those about no change, and those about one that was numbered no later,
/// since what came before a fault does not have it.
pub(crate) async fn alerts(
    tx: &mut Tx,
    repository_id: &str,
    change_id: &str,
    seq: i64,
) -> Result<Alerts, StoreError> {
    let newest: Option<(String, i64)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT title, COUNT(*) OVER () FROM alert WHERE repository_id = $1 AND closed = 0
             AND NOT EXISTS (SELECT 1 FROM change WHERE change.id = alert.change_id AND change.seq > $2)
         ORDER BY raised_at DESC, alert_id DESC LIMIT 1"
    )
    .bind(repository_id).bind(seq).fetch_optional(conn).await)?;
    let closed_of_change: i64 = on_engine!(tx, conn => sqlx::query_scalar(
        "SELECT COUNT(*) FROM alert WHERE change_id = $1 AND closed = 1"
    )
    .bind(change_id).fetch_one(conn).await)?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let (newest, open) = newest.unwrap_or_default();
    Ok(Alerts { open: count(open), newest, closed_of_change: count(closed_of_change) })
}

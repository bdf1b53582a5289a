use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use septet_proto_common::v1::Severity;
use septet_proto_soc::v1::{Alert, AlertState};

/// Which alerts.
pub(crate) struct AlertsFilter {
    /// Empty for all, as are the others.
    pub repository_id: String,
    pub change_id: String,
    pub rule_id: String,
    pub state: AlertState,
    pub min_level: Severity,
}

/// The number of the last movement. Until the commit, no other transaction gives numbers: whoever reads in their order misses
/// none.
async fn begin_numbering(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_scalar(
        "UPDATE alert_sequence SET last_number = last_number WHERE only_one = 1 RETURNING last_number"
    )
    .fetch_one(conn).await)?)
}

async fn end_numbering(tx: &mut Tx, last: i64) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("UPDATE alert_sequence SET last_number = $1 WHERE only_one = 1")
        .bind(last).execute(conn).await.map(drop))?;
    Ok(())
}

/// The number of the last movement.
pub(crate) async fn last_movement(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_scalar("SELECT last_number FROM alert_sequence WHERE only_one = 1")
        .fetch_one(conn).await)?)
}

/// Keeps alerts; gives those that were not there.
pub(crate) async fn raise<'a>(tx: &mut Tx, alerts: &'a [Alert]) -> Result<Vec<&'a Alert>, StoreError> {
    let before = begin_numbering(tx).await?;
    let (mut last, mut new) = (before, Vec::new());
    for alert in alerts {
        let number = last + 1;
        let inserted = on_engine!(&mut *tx, conn => sqlx::query(
            "INSERT INTO alert (id, raised_number, moved_number, rule_id, repository_id, change_id, level, state,
                 raised_at, alert)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&alert.id).bind(number).bind(number).bind(&alert.rule_id).bind(&alert.repository_id)
        .bind(&alert.change_id).bind(i64::from(alert.level)).bind(i64::from(alert.state))
        .bind(alert.raised_time.map_or(0, |time| Timestamp::from(time).micros())).bind(encoded(alert))
        .execute(conn).await.map(|done| done.rows_affected()))?;
        if inserted == 1 {
            last = number;
            new.push(alert);
        }
    }
    if last > before {
        end_numbering(tx, last).await?;
    }
    Ok(new)
}

/// The alert with this id, which no other transaction moves until the commit.
pub(crate) async fn alert_to_close(tx: &mut Tx, id: &str) -> Result<Option<Alert>, StoreError> {
    begin_numbering(tx).await?;
    alert(tx, id).await
}

/// Keeps an alert that was closed after [`alert_to_close`].
pub(crate) async fn close(tx: &mut Tx, alert: &Alert) -> Result<(), StoreError> {
    let number = last_movement(tx).await? + 1;
    on_engine!(&mut *tx, conn => sqlx::query(
        "UPDATE alert SET moved_number = $2, state = $3, alert = $4 WHERE id = $1"
    )
    .bind(&alert.id).bind(number).bind(i64::from(alert.state)).bind(encoded(alert))
    .execute(conn).await.map(drop))?;
    end_numbering(tx, number).await
}

/// The alert with this id.
pub(crate) async fn alert(tx: &mut Tx, id: &str) -> Result<Option<Alert>, StoreError> {
    let found: Option<Vec<u8>> = on_engine!(tx, conn => sqlx::query_scalar("SELECT alert FROM alert WHERE id = $1")
        .bind(id).fetch_optional(conn).await)?;
    found.map(|alert| decoded(&alert)).transpose()
}

/// Alerts with their numbers, newest first: at most `limit`, with numbers below `before`.
pub(crate) async fn list_alerts(
    tx: &mut Tx,
    filter: &AlertsFilter,
    before: i64,
    limit: u32,
) -> Result<Vec<(i64, Alert)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT raised_number, alert FROM alert
         WHERE ($1 = '' OR repository_id = $1) AND ($2 = '' OR change_id = $2) AND ($3 = '' OR rule_id = $3)
             AND ($4 = 0 OR state = $4) AND level >= $5 AND raised_number < $6
         ORDER BY raised_number DESC LIMIT $7",
    )
    .bind(&filter.repository_id).bind(&filter.change_id).bind(&filter.rule_id)
    .bind(i64::from(filter.state as i32)).bind(i64::from(filter.min_level as i32)).bind(before)
    .bind(i64::from(limit)).fetch_all(conn).await)?;
    rows.into_iter().map(|(number, alert)| Ok((number, decoded(&alert)?))).collect()
}

/// Alerts with the numbers of their last movements, which are above `after`, in order.
pub(crate) async fn moved_after(
    tx: &mut Tx,
    repository_id: &str,
    min_level: Severity,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Alert)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT moved_number, alert FROM alert
         WHERE moved_number > $1 AND ($2 = '' OR repository_id = $2) AND level >= $3
         ORDER BY moved_number LIMIT $4",
    )
    .bind(after).bind(repository_id).bind(i64::from(min_level as i32)).bind(limit)
    .fetch_all(conn).await)?;
    rows.into_iter().map(|(number, alert)| Ok((number, decoded(&alert)?))).collect()
}

fn encoded(alert: &Alert) -> Vec<u8> {
    prost::Message::encode_to_vec(alert)
}

fn decoded(bytes: &[u8]) -> Result<Alert, StoreError> {
    prost::Message::decode(bytes).map_err(|error| {
        StoreError::Statement(format!("the table alert has a row that is no alert: {error}"))
    })
}

//! Messages as rows of a table: three numbers that are the table's own, then key, headers and value.

use bytes::Bytes;
use septet_contract::Record;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::{bulk, headers};

/// A message as its table has it.
pub(crate) struct Row {
    numbers: [i64; 3],
    key: Option<Bytes>,
    headers: Vec<u8>,
    value: Option<Bytes>,
}

impl Row {
    /// The record's row. The numbers come first in the table's list of columns.
    pub(crate) fn new(numbers: [i64; 3], record: Record) -> Self {
        Self { numbers, key: record.key, headers: headers::pack(&record.headers), value: record.value }
    }
}

/// Inserts the rows, many at a time. `into` names the table and its six columns.
pub(crate) async fn insert(
    rows: &mut Vec<Row>,
    into: &str,
    tx: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    let mut rows = rows.drain(..);
    for size in bulk::sizes(rows.len()) {
        let values = vec!["(?, ?, ?, ?, ?, ?)"; size].join(", ");
        let mut query = sqlx::query(AssertSqlSafe(format!("INSERT INTO {into} VALUES {values}")));
        for row in rows.by_ref().take(size) {
            for number in row.numbers {
                query = query.bind(number);
            }
            query = query
                .bind(row.key.map(|key| key.to_vec()))
                .bind(row.headers)
                .bind(row.value.map(|value| value.to_vec()));
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

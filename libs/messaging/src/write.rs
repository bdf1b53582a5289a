//! Statements that the deliveries of one transaction share.

use std::sync::{Arc, OnceLock};

use septet_store::{StoreError, Tx, in_time};
use sqlx::{AssertSqlSafe, QueryBuilder};

use crate::bulk;

/// A statement that writes many rows and gives nothing back. With [`Cx::write`](crate::Cx::write) it runs once for all rows
/// that the events of a transaction give it, where a statement of its own would cost each event a round trip.
///
/// `{rows}` in its text stands for the rows, as a table of the named columns. The first column is what a row is about: two rows
/// about the same never meet in one run, so `ON CONFLICT … DO UPDATE` does what it would do row by row.
///
/// ```
/// # use septet_messaging::{Column, Write};
/// static KEEP_STATE: Write = Write::new(
///     "INSERT INTO state (key, data) SELECT key, data FROM {rows} AS given WHERE true
///      ON CONFLICT (key) DO UPDATE SET data = excluded.data",
///     &[("key", Column::Text), ("data", Column::Blob)],
/// );
/// ```
#[derive(Debug)]
pub struct Write {
    text: &'static str,
    columns: &'static [(&'static str, Column)],
    on_postgres: OnceLock<Arc<str>>,
}

/// Type of a column of a [`Write`]'s rows. Any value may be NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// TEXT.
    Text,
    /// BIGINT.
    Integer,
    /// DOUBLE PRECISION.
    Real,
    /// A blob.
    Blob,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// TEXT.
    Text(Option<String>),
    /// BIGINT.
    Integer(Option<i64>),
    /// DOUBLE PRECISION.
    Real(Option<f64>),
    /// A blob.
    Blob(Option<Vec<u8>>),
}

/// One row, its values in the order of the columns.
pub(crate) type Row = Vec<Value>;

impl Write {
    /// A statement over `{rows}` with these columns.
    pub const fn new(text: &'static str, columns: &'static [(&'static str, Column)]) -> Self {
        Self { text, columns, on_postgres: OnceLock::new() }
    }

    /// The row, if it fits the columns.
    pub(crate) fn row(&self, values: impl IntoIterator<Item = Value>) -> Result<Row, StoreError> {
        let row: Row = values.into_iter().collect();
        let fits = row.len() == self.columns.len()
            && row.iter().zip(self.columns).all(|(value, (_, column))| value.column() == *column);
        if fits {
            return Ok(row);
        }
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        Err(StoreError::Statement(format!("a row does not fit the columns {}", names.join(", "))))
    }

    /// Runs it for these rows, in their order.
    pub(crate) async fn execute(&self, tx: &mut Tx, rows: &[Row]) -> Result<(), StoreError> {
        match tx {
            Tx::Postgres(tx) => {
                let text = self.on_postgres.get_or_init(|| self.with_rows(&self.arrays()).into());
                let mut statement = sqlx::query(AssertSqlSafe(Arc::clone(text)));
                for (index, (_, column)) in self.columns.iter().enumerate() {
                    statement = match column {
                        Column::Text => statement.bind(values(rows, index, Value::text)),
                        Column::Integer => statement.bind(values(rows, index, Value::integer)),
                        Column::Real => statement.bind(values(rows, index, Value::real)),
                        Column::Blob => statement.bind(values(rows, index, Value::blob)),
                    };
                }
                in_time(statement.execute(&mut **tx)).await?;
            }
            Tx::Sqlite(tx) => {
                let (before, after) = self.text.split_once("{rows}").unwrap_or((self.text, ""));
                let mut rest = rows;
                for size in bulk::sizes(rows.len()) {
                    let (some, others) = rest.split_at(size);
                    let mut statement = QueryBuilder::new(before);
                    statement.push(self.named());
                    statement.push_values(some, |mut given, row| {
                        for value in row {
                            match value {
                                Value::Text(text) => given.push_bind(text.as_deref()),
                                Value::Integer(number) => given.push_bind(*number),
                                Value::Real(number) => given.push_bind(*number),
                                Value::Blob(bytes) => given.push_bind(bytes.as_deref()),
                            };
                        }
                    });
                    statement.push("))").push(after);
                    statement.build().execute(&mut **tx).await?;
                    rest = others;
                }
            }
        }
        Ok(())
    }

    fn with_rows(&self, rows: &str) -> String {
        self.text.replacen("{rows}", rows, 1)
    }

    /// One array for each column: the same text however many rows there are, so it stays prepared.
    fn arrays(&self) -> String {
        let arrays = self.columns.iter().zip(1..).map(|((_, column), number)| {
            let r#type = match column {
                Column::Text => "text",
                Column::Integer => "bigint",
                Column::Real => "double precision",
                Column::Blob => "bytea",
            };
            format!("${number}::{type}[]")
        });
        let names = self.columns.iter().map(|(name, _)| *name);
        format!(
            "(SELECT * FROM UNNEST({}) AS given ({}))",
            arrays.collect::<Vec<_>>().join(", "),
            names.collect::<Vec<_>>().join(", ")
        )
    }

    /// SQLite's names of the columns of VALUES are its own; brackets stay open for them.
    fn named(&self) -> String {
        let names =
            self.columns.iter().zip(1..).map(|((name, _), number)| format!("column{number} AS {name}"));
        format!("(SELECT {} FROM (", names.collect::<Vec<_>>().join(", "))
    }
}

fn values<'a, T: 'a>(rows: &'a [Row], index: usize, of: fn(&'a Value) -> T) -> Vec<T> {
    rows.iter().map(|row| of(&row[index])).collect()
}

impl Value {
    fn column(&self) -> Column {
        match self {
            Self::Text(_) => Column::Text,
            Self::Integer(_) => Column::Integer,
            Self::Real(_) => Column::Real,
            Self::Blob(_) => Column::Blob,
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { text.as_deref() } else { None }
    }

    fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { *number } else { None }
    }

    fn real(&self) -> Option<f64> {
        if let Self::Real(number) = self { *number } else { None }
    }

    fn blob(&self) -> Option<&[u8]> {
        if let Self::Blob(bytes) = self { bytes.as_deref() } else { None }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(Some(number))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(Some(bytes))
    }
}

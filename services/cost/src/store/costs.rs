use septet_chassis::{StoreError, Tx, on_engine};

use super::statement::{Statement, fetch_all};
use crate::{
    amount::Amount,
    day::{Day, Month},
    scope::{Filter, Key},
};

/// Dimensions of a line.
pub(crate) const DIMENSIONS: usize = 3;

/// Which charges.
#[derive(Clone, Copy)]
pub(crate) struct Where<'a> {
    /// First day, and the one after the last.
    pub days: (Day, Day),
    pub filters: &'a [Filter],
    /// Empty for all.
    pub currency: &'a str,
}

/// How charges are put together.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a> {
    /// `day` or `month`; `None` for all at once.
    pub period: Option<&'static str>,
    /// At most [`DIMENSIONS`].
    pub keys: &'a [Key],
}

/// Where a line stands among the others.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub(crate) struct Place {
    pub period: i64,
    pub values: [String; DIMENSIONS],
    pub currency: String,
}

/// Costs of some charges.
#[derive(Debug)]
pub(crate) struct Costs {
    pub place: Place,
    pub billed: Amount,
    pub effective: Amount,
    pub list: Amount,
    pub charges: u64,
}

const SUMS: &str = "CAST(SUM(billed_micros) AS BIGINT) AS billed_micros, CAST(SUM(billed_rest) AS BIGINT) AS billed_rest,
    CAST(SUM(effective_micros) AS BIGINT) AS effective_micros, CAST(SUM(effective_rest) AS BIGINT) AS effective_rest,
    CAST(SUM(list_micros) AS BIGINT) AS list_micros, CAST(SUM(list_rest) AS BIGINT) AS list_rest, COUNT(*) AS charges";

/// Costs by period, values and currency: at most `limit`, after `after`.
pub(crate) async fn cost_lines(
    tx: &mut Tx,
    charges: &Where<'_>,
    group: &Group<'_>,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<Costs>, StoreError> {
    let mut statement = Statement::default();
    statement.push("SELECT period, value1, value2, value3, currency, ");
    statement.push(SUMS);
    statement.push(" FROM (SELECT ");
    statement.push(group.period.unwrap_or("CAST(0 AS BIGINT)"));
    statement.push(" AS period");
    for (number, name) in ["value1", "value2", "value3"].into_iter().enumerate() {
        statement.push(", ");
        match group.keys.get(number) {
            Some(key) => value(&mut statement, key),
            None => statement.push("''"),
        }
        statement.push(&format!(" AS {name}"));
    }
    statement.push(
        ", currency, billed_micros, billed_rest, effective_micros, effective_rest, list_micros, list_rest
        FROM charge WHERE ",
    );
    condition(&mut statement, charges);
    statement.push(") AS picked GROUP BY period, value1, value2, value3, currency");
    if let Some(after) = after {
        statement.push(" HAVING (period, value1, value2, value3, currency) > (");
        statement.bind(after.period);
        for text in after.values.iter().chain([&after.currency]) {
            statement.push(", ");
            statement.bind_text(text);
        }
        statement.push(")");
    }
    statement.push(" ORDER BY period, value1, value2, value3, currency LIMIT ");
    statement.bind(i64::from(limit));
    let rows = fetch_all!(tx, statement, Row)?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// Costs over all of the range, a line for each currency.
pub(crate) async fn totals(tx: &mut Tx, charges: &Where<'_>) -> Result<Vec<Costs>, StoreError> {
    cost_lines(tx, charges, &Group { period: None, keys: &[] }, None, 1_000).await
}

/// Costs of each day that has charges, in one currency.
pub(crate) async fn daily(tx: &mut Tx, charges: &Where<'_>) -> Result<Vec<Costs>, StoreError> {
    cost_lines(tx, charges, &Group { period: Some("day"), keys: &[] }, None, 100_000).await
}

/// Costs of each of these months, in one currency, from the first to the last one.
pub(crate) async fn month_sums(
    tx: &mut Tx,
    filters: &[Filter],
    currency: &str,
    months: Option<(Month, Month)>,
) -> Result<Vec<Costs>, StoreError> {
    let days = match months {
        Some((first, last)) => (crate::day::first_of(first), crate::day::first_of(last.saturating_add(1))),
        None => (i64::MIN, i64::MAX),
    };
    let charges = Where { days, filters, currency };
    cost_lines(tx, &charges, &Group { period: Some("month"), keys: &[] }, None, 100_000).await
}

/// The last day with charges within the range.
pub(crate) async fn last_day(tx: &mut Tx, charges: &Where<'_>) -> Result<Option<Day>, StoreError> {
    let mut statement = Statement::default();
    statement.push("SELECT MAX(day) AS day FROM charge WHERE ");
    condition(&mut statement, charges);
    let rows = fetch_all!(tx, statement, (Option<i64>,))?;
    Ok(rows.into_iter().next().and_then(|(day,)| day))
}

fn condition(statement: &mut Statement, charges: &Where<'_>) {
    statement.push("day >= ");
    statement.bind(charges.days.0);
    statement.push(" AND day < ");
    statement.bind(charges.days.1);
    if !charges.currency.is_empty() {
        statement.push(" AND currency = ");
        statement.bind_text(charges.currency);
    }
    for filter in charges.filters {
        statement.push(" AND ");
        value(statement, &filter.key);
        statement.push(" IN (");
        for (number, value) in filter.values.iter().enumerate() {
            if number > 0 {
                statement.push(", ");
            }
            statement.bind_text(value);
        }
        statement.push(")");
    }
}

/// A charge's value of a dimension.
fn value(statement: &mut Statement, key: &Key) {
    match key {
        Key::Column(column) => statement.push(column),
        Key::Tag(name) => {
            statement.push(
                "COALESCE((SELECT tag.value FROM charge_tag tag WHERE tag.charge_id = charge.id AND tag.name = ",
            );
            statement.bind_text(name);
            statement.push("), '')");
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    period: i64,
    value1: String,
    value2: String,
    value3: String,
    currency: String,
    billed_micros: i64,
    billed_rest: i64,
    effective_micros: i64,
    effective_rest: i64,
    list_micros: i64,
    list_rest: i64,
    charges: i64,
}

impl Row {
    fn read(self) -> Costs {
        Costs {
            place: Place {
                period: self.period,
                values: [self.value1, self.value2, self.value3],
                currency: self.currency,
            },
            billed: Amount::from_parts(self.billed_micros, self.billed_rest),
            effective: Amount::from_parts(self.effective_micros, self.effective_rest),
            list: Amount::from_parts(self.list_micros, self.list_rest),
            charges: u64::try_from(self.charges).unwrap_or(0),
        }
    }
}

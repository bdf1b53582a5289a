use std::collections::{BTreeMap, BTreeSet, HashMap};

use septet_chassis::{StoreError, Tx, contract::Timestamp, on_engine};
use sqlx::QueryBuilder;

use crate::{
    day::{self, Month},
    focus::Charge,
};

/// Rows of one statement: below the engines' limits on the number of binds.
const ROWS: usize = 500;

/// What became of charges.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub accepted: u64,
    pub replaced: u64,
    pub duplicates: u64,
    /// Months whose costs may have changed.
    pub months: BTreeSet<Month>,
}

/// Keeps charges, each in the place of an earlier one of its id. Of several with one id, the last stands.
pub(crate) async fn keep(
    tx: &mut Tx,
    source: &str,
    charges: Vec<Charge>,
    now: Timestamp,
) -> Result<Kept, StoreError> {
    let mut kept = Kept::default();
    let mut charges = charges.into_iter();
    loop {
        let some: Vec<Charge> = charges.by_ref().take(ROWS).collect();
        if some.is_empty() {
            return Ok(kept);
        }
        keep_some(tx, source, some, now, &mut kept).await?;
    }
}

async fn keep_some(
    tx: &mut Tx,
    source: &str,
    charges: Vec<Charge>,
    now: Timestamp,
    kept: &mut Kept,
) -> Result<(), StoreError> {
    let mut known = contents(tx, &charges).await?;
    // By id, so that two imports at once take the rows in one order.
    let mut changed: BTreeMap<String, (String, Charge)> = BTreeMap::new();
    for charge in charges {
        let content = charge.content();
        match known.insert(charge.id.clone(), (content.clone(), charge.day)) {
            Some((earlier, _)) if earlier == content => {
                kept.duplicates += 1;
                continue;
            }
            Some((_, day)) => {
                kept.replaced += 1;
                kept.months.insert(day::month_of(day));
            }
            None => kept.accepted += 1,
        }
        kept.months.insert(day::month_of(charge.day));
        changed.insert(charge.id.clone(), (content, charge));
    }
    if changed.is_empty() {
        return Ok(());
    }
    write_charges(tx, source, &changed, now).await?;
    write_tags(tx, &changed).await
}

/// Hash and day of those that are there already.
async fn contents(tx: &mut Tx, charges: &[Charge]) -> Result<HashMap<String, (String, i64)>, StoreError> {
    let rows: Vec<(String, String, i64)> = on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new("SELECT id, content, day FROM charge WHERE id IN (");
        let mut ids = statement.separated(", ");
        for charge in charges {
            ids.push_bind(&charge.id);
        }
        ids.push_unseparated(")");
        statement.build_query_as().fetch_all(conn).await
    })?;
    Ok(rows.into_iter().map(|(id, content, day)| (id, (content, day))).collect())
}

async fn write_charges(
    tx: &mut Tx,
    source: &str,
    charges: &BTreeMap<String, (String, Charge)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new(
            "INSERT INTO charge (id, content, source, day, month, currency, provider, account, service, service_category,
                 region, resource, category, class, billed_micros, billed_rest, effective_micros, effective_rest,
                 list_micros, list_rest, received_at) ",
        );
        statement.push_values(charges.values(), |mut row, (content, charge)| {
            row.push_bind(&charge.id)
                .push_bind(content)
                .push_bind(source)
                .push_bind(charge.day)
                .push_bind(day::month_of(charge.day))
                .push_bind(&charge.currency)
                .push_bind(&charge.provider)
                .push_bind(&charge.account)
                .push_bind(&charge.service)
                .push_bind(&charge.service_category)
                .push_bind(&charge.region)
                .push_bind(&charge.resource)
                .push_bind(&charge.category)
                .push_bind(&charge.class);
            for amount in [charge.billed, charge.effective, charge.list] {
                let (micros, rest) = amount.parts();
                row.push_bind(micros).push_bind(rest);
            }
            row.push_bind(now.micros());
        });
        statement.push(
            " ON CONFLICT (id) DO UPDATE SET content = excluded.content, source = excluded.source, day = excluded.day,
                 month = excluded.month, currency = excluded.currency, provider = excluded.provider,
                 account = excluded.account, service = excluded.service, service_category = excluded.service_category,
                 region = excluded.region, resource = excluded.resource, category = excluded.category,
                 class = excluded.class, billed_micros = excluded.billed_micros, billed_rest = excluded.billed_rest,
                 effective_micros = excluded.effective_micros, effective_rest = excluded.effective_rest,
                 list_micros = excluded.list_micros, list_rest = excluded.list_rest,
                 received_at = excluded.received_at",
        );
        statement.build().execute(conn).await.map(drop)
    })?;
    Ok(())
}

async fn write_tags(tx: &mut Tx, charges: &BTreeMap<String, (String, Charge)>) -> Result<(), StoreError> {
    on_engine!(&mut *tx, conn => {
        let mut statement = QueryBuilder::new("DELETE FROM charge_tag WHERE charge_id IN (");
        let mut ids = statement.separated(", ");
        for id in charges.keys() {
            ids.push_bind(id);
        }
        ids.push_unseparated(")");
        statement.build().execute(conn).await.map(drop)
    })?;
    let tags: Vec<(&String, &String, &String)> = charges
        .iter()
        .flat_map(|(id, (_, charge))| charge.tags.iter().map(move |(name, value)| (id, name, value)))
        .collect();
    for some in tags.chunks(ROWS) {
        on_engine!(&mut *tx, conn => {
            let mut statement = QueryBuilder::new("INSERT INTO charge_tag (charge_id, name, value) ");
            statement.push_values(some, |mut row, (id, name, value)| {
                row.push_bind(*id).push_bind(*name).push_bind(*value);
            });
            statement.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

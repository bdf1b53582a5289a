//! The bus on the embedded default, beside plain SQLite.
//!
//! One event makes five rows on its way: the publisher's state row and its outbox row, the log's record, the inbox row and
//! the handler's effect row (the outbox row is deleted again as well). The reference inserts rows of the same sizes into
//! SQLite with the same settings (WAL, full sync), in transactions of the same number of events.

mod plain;
mod septet;

use plain::Statements;

use super::sampling::{median, rate};
use crate::report::Row;

/// Events of one measurement.
const EVENTS: usize = 20_000;
/// Events of one transaction, of the publisher and of the reference.
const BATCH: usize = 64;
/// Measurements of each; the median counts.
const ROUNDS: usize = 5;

pub async fn run() -> anyhow::Result<Vec<Row>> {
    let (mut bus, mut five, mut five_bulk, mut one) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // In turn, so that what else the machine does hits all alike.
        bus.push(rate(EVENTS, septet::measure().await?));
        five.push(rate(EVENTS, plain::measure(5, Statements::PerRow).await?));
        five_bulk.push(rate(EVENTS, plain::measure(5, Statements::PerTable).await?));
        one.push(rate(EVENTS, plain::measure(1, Statements::PerRow).await?));
    }
    let bus = median(bus);
    let against = |what, reference: Vec<f64>| {
        let bus_does = "embedded: published, relayed, logged, entered and handled";
        Row::rate(bus_does, bus, "events/s", what, median(reference), None)
    };
    Ok(vec![
        against(
            "the same five rows of each event inserted into SQLite in equal batches, a statement a row",
            five,
        ),
        against("the same five rows in equal batches, one statement for all rows of a table", five_bulk),
        against("the effect row alone inserted into SQLite in equal batches, a statement a row", one),
    ])
}

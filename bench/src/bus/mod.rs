//! The bus on the embedded default, beside plain SQLite.
//!
//! One event makes five rows on its way: the publisher's state row and its outbox row, the log's record, the inbox row and
//! the handler's effect row (the outbox row is deleted again as well). The reference inserts rows of the same sizes into
//! SQLite with the same settings (WAL, full sync), in transactions of the same number of events, one statement a row.

mod plain;
mod septet;

use std::time::Duration;

use crate::report::{Report, Row};

/// Events of one measurement.
const EVENTS: usize = 20_000;
/// Events of one transaction, of the publisher and of the reference.
const BATCH: usize = 64;
/// Measurements of each; the median counts.
const ROUNDS: usize = 5;

pub async fn run() -> anyhow::Result<Report> {
    let (mut bus, mut five, mut one) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // In turn, so that what else the machine does hits all alike.
        bus.push(rate(septet::measure().await?));
        five.push(rate(plain::measure(5).await?));
        one.push(rate(plain::measure(1).await?));
    }
    let bus = median(bus);
    Ok(Report::new(
        "bus",
        vec![
            Row::rate(
                "published, relayed, logged, entered and handled",
                bus,
                "events/s",
                "the same five rows of each event inserted into SQLite in equal batches",
                median(five),
                None,
            ),
            Row::rate(
                "published, relayed, logged, entered and handled",
                bus,
                "events/s",
                "the effect row alone inserted into SQLite in equal batches",
                median(one),
                None,
            ),
        ],
    ))
}

fn rate(took: Duration) -> f64 {
    EVENTS as f64 / took.as_secs_f64()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

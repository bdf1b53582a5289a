//! The bus on real servers: Apache Kafka and PostgreSQL, which the environment names.
//!
//! A service of one handler reads a preloaded backlog from a topic of twelve partitions; for each event it enters the inbox,
//! writes a row of its own and publishes one event, which its relay sends to another topic. Everything is measured in
//! turn, so that what else the machine does hits all alike.

mod backlog;
mod bare;
mod client;
mod copy;
mod cpu;
mod latency;
mod servers;
mod service;
mod watched;

use std::time::Duration;

use cpu::Part;
pub use servers::Servers;
use service::{Measured, Writes};

use super::sampling::{Quantiles, median, rate};
use crate::report::{Report, Row, say};

/// Events of one measurement of the rate.
const EVENTS: usize = 60_000;
/// Measurements of each; the median counts.
const ROUNDS: usize = 3;
/// How long latency is measured at a time.
const PACED: Duration = Duration::from_secs(15);

pub async fn run(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    throughput(servers, report).await?;
    latency(servers, report).await
}

async fn throughput(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    let (mut together, mut alone, mut copied, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let backlog = backlog::load(servers, EVENTS).await?;
        bare.push(rate(EVENTS, bare::consume_produce(servers, &backlog)?));
        together.push(service::drain_backlog(servers, &backlog, Writes::Together).await?);
        copied.push(copy::measure(servers, EVENTS).await?);
        let backlog = backlog::load(servers, EVENTS).await?;
        alone.push(service::drain_backlog(servers, &backlog, Writes::OneByOne).await?);
        say(&format!(
            "round {round}: {}; a statement each: {}; COPY: {}; bare {:.0} events/s\n",
            together[round], alone[round], copied[round], bare[round]
        ));
    }
    let rates = |of: &[Measured]| median(of.iter().map(|one| rate(EVENTS, one.took)).collect());
    let what = "real: consumed, entered, handled, published, relayed and confirmed";
    let (reached, unit, by_copy) =
        (rates(&together), "events/s", "the same three rows by COPY in equal batches");
    report.extend([
        Row::rate(what, reached, unit, by_copy, rates(&copied), Some(0.4)),
        Row::rate(
            what,
            reached,
            unit,
            "a bare rdkafka consume-produce loop, no database",
            median(bare),
            None,
        ),
        Row::rate(
            format!("{what}, a statement of the handler's own for each event"),
            rates(&alone),
            unit,
            by_copy,
            rates(&copied),
            None,
        ),
    ]);
    let each =
        |of: &[Measured], part| median(of.iter().map(|one| one.spent.micros(part) / EVENTS as f64).collect());
    for part in Part::ALL {
        report.extend([Row::cost(
            format!("real: processor time of {} for each event", part.name()),
            each(&together, part),
            "µs",
            "the same while COPY runs",
            each(&copied, part),
            None,
        )]);
    }
    Ok(())
}

async fn latency(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    let mut full = Vec::new();
    for _ in 0..ROUNDS {
        full.push(latency::full_load(servers, EVENTS).await?);
    }
    let rate = median(full) / 2.0;
    say(&format!("half load with the producer on the same machine: {rate:.0} events/s\n"));
    let (mut effects, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        effects.push(latency::to_effect(servers, rate, PACED).await?);
        bare.push(latency::bare(servers, rate, PACED).await?);
        say(&format!("round {round}: effect {:?}, bare {:?} ms\n", effects[round], bare[round]));
    }
    type Which = fn(&Quantiles) -> f64;
    let of = |which: Which, of: &[Quantiles]| median(of.iter().map(which).collect());
    let quantiles: [(&str, Which, Option<f64>); 3] =
        [("p50", |q| q.p50, None), ("p99", |q| q.p99, Some(3.0)), ("p99.9", |q| q.p999, None)];
    for (name, which, must) in quantiles {
        report.extend([Row::cost(
            format!("real: {name} from produce to the handler's commit at {rate:.0} events/s"),
            of(which, &effects),
            "ms",
            format!("{name} from produce to consume with bare rdkafka at the same rate"),
            of(which, &bare),
            must,
        )]);
    }
    Ok(())
}

//! The cost of one gRPC call: through all that a service of Septet puts around it, beside bare tonic.
//!
//! Both servers are processes of their own that run this binary, with the same messages and a handler that does nothing but
//! answer. One connection carries sixteen calls at a time. What counts is the server's processor time, not how long a
//! call takes.

mod load;
mod server;

use anyhow::Context;

pub use server::{bare, service};

use crate::{
    bus::median,
    proc,
    report::{Row, say},
};

/// Calls of one measurement.
const CALLS: usize = 60_000;
/// Measurements of each; the median counts.
const ROUNDS: usize = 5;

pub async fn run() -> anyhow::Result<Row> {
    let dir = tempfile::tempdir()?;
    let stack = server::Child::stack(dir.path())?;
    let bare = server::Child::bare()?;
    let (through, around) = (load::Load::new(&stack).await?, load::Load::new(&bare).await?);
    let (mut costs, mut references) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let through_stack = cost(&stack, &through).await?;
        let reference = cost(&bare, &around).await?;
        // The first is a warm-up.
        if round > 0 {
            say(&format!(
                "round {round}: the whole stack {through_stack:.1} µs, bare tonic {reference:.1} µs a call\n"
            ));
            costs.push(through_stack);
            references.push(reference);
        }
    }
    Ok(Row::cost(
        "processor time of a server for one gRPC call through the whole stack, with an API key",
        median(costs),
        "µs",
        "a bare tonic server, the same messages",
        median(references),
        Some(1.5),
    ))
}

async fn cost(server: &server::Child, load: &load::Load) -> anyhow::Result<f64> {
    let spent = || proc::micros_of(server.id()).context("the server is gone");
    let before = spent()?;
    load.call(CALLS).await?;
    Ok((spent()? - before) / CALLS as f64)
}

//! The bus, beside what it could do at best.

mod embedded;
mod real;
mod sampling;

use std::time::Duration;

use anyhow::bail;

pub use sampling::median;

use crate::{report::Report, rpc};

/// Which backends are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Both,
    Embedded,
    Real,
    /// Of the real one, only the cost of a call.
    Calls,
}

impl Group {
    /// From the arguments after the benchmark's name.
    pub fn from_arguments(arguments: &[String]) -> anyhow::Result<Self> {
        match arguments {
            [] => Ok(Self::Both),
            [one] if one == "--embedded" => Ok(Self::Embedded),
            [one] if one == "--real" => Ok(Self::Real),
            [one] if one == "--calls" => Ok(Self::Calls),
            _ => bail!("bus takes --embedded, --real, --calls, or nothing for all of it"),
        }
    }
}

pub async fn run(group: Group) -> anyhow::Result<Report> {
    let mut report = Report::new("bus");
    let _telemetry = observe()?;
    if matches!(group, Group::Both | Group::Embedded) {
        report.extend(embedded::run().await?);
    }
    if group != Group::Embedded {
        report.extend([rpc::run().await?]);
    }
    if matches!(group, Group::Both | Group::Real) {
        match real::Servers::from_environment() {
            Ok(servers) => real::run(&servers, &mut report).await?,
            // Without the flag, what there is is measured.
            Err(why) if group == Group::Both => report.skip("real servers", &why.to_string()),
            Err(why) => return Err(why),
        }
    }
    Ok(report)
}

/// Traces and metrics as in every process of Septet: they are a part of what an event costs.
fn observe() -> anyhow::Result<septet_telemetry::Guard> {
    let config = septet_telemetry::Config { log_filter: "warn".to_owned(), ..Default::default() };
    let guard = septet_telemetry::init(&config, "bench", env!("CARGO_PKG_VERSION"), "bench")?;
    let prometheus = septet_telemetry::metrics::install_prometheus()?;
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            prometheus.run_upkeep();
        }
    });
    Ok(guard)
}

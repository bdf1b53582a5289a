//! Benchmarks that measure side by side in one run: what Septet does, and what it could do at best.

mod bus;
mod machine;
mod report;

use std::process::ExitCode;

use anyhow::bail;

/// Every benchmark by name.
const NAMES: [(&str, &str); 1] =
    [("bus", "events per second through outbox, relay, log, inbox and handler on the embedded default")];

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    match run(name.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::say(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(name: Option<&str>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match name {
        None => {
            for (name, about) in NAMES {
                report::say(&format!("{name:8} {about}\n"));
            }
            Ok(())
        }
        Some("bus") => runtime.block_on(bus::run())?.publish(),
        Some(other) => bail!("there is no benchmark {other}; without a name they are listed"),
    }
}

//! Benchmarks that measure side by side in one run: what Septet does, and what it could do at best.

mod bus;
mod machine;
mod proc;
mod report;
mod rpc;

use std::process::ExitCode;

use anyhow::bail;

/// Every benchmark by name.
const NAMES: [(&str, &str); 1] = [(
    "bus",
    "rate and latency of the bus on the embedded default and on Kafka and PostgreSQL; the cost of a gRPC call",
)];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The servers of the measurements are this binary as well.
    if matches!(arguments.first().map(String::as_str), Some("serve" | "keys")) {
        return septet_chassis::run(rpc::service());
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::say(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.split_first() {
        None => {
            for (name, about) in NAMES {
                report::say(&format!("{name:8} {about}\n"));
            }
            Ok(())
        }
        Some((name, options)) if name == "bus" => {
            let group = bus::Group::from_arguments(options)?;
            runtime.block_on(bus::run(group))?.publish()
        }
        Some((name, [address])) if name == "bare" => runtime.block_on(rpc::bare(address)),
        Some((other, _)) => bail!("there is no benchmark {other}; without a name they are listed"),
    }
}

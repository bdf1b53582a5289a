//! Runs the fault tests, prints what they measured, and keeps it in `target/chaos/<name>.json`.

mod figures;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use self::figures::Figures;
use crate::command;

/// What to run, and how large.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The whole sizes, in release mode: hours for all of them.
    #[arg(long)]
    full: bool,
    /// Debug binaries in a full run as well.
    #[arg(long)]
    debug: bool,
    /// Events of the load, instead of the size's own number.
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Kills or outages, instead of the size's own number.
    #[arg(long, value_name = "N")]
    faults: Option<u64>,
    /// Which faults; all of them if none is named.
    names: Vec<Fault>,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// `kill -9` of the services' processes.
    Kills,
    /// Kafka killed.
    Kafka,
    /// PostgreSQL stopped at once.
    Postgres,
    /// RabbitMQ killed.
    Rabbitmq,
    /// Links between services and servers disturbed.
    Links,
    /// Malformed records among healthy ones.
    Poison,
    /// Services restarted one by one under calls.
    Rolling,
}

/// Events, and kills or outages. A test that knows neither of them has a size of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    events: u64,
    faults: u64,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Kills => "kills",
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Rabbitmq => "rabbitmq",
            Self::Links => "links",
            Self::Poison => "poison",
            Self::Rolling => "rolling",
        }
    }

    /// What the names of its tests begin with.
    fn tests(self) -> String {
        match self {
            Self::Kafka | Self::Postgres | Self::Rabbitmq => format!("outages::{}", self.name()),
            _ => format!("{}::", self.name()),
        }
    }

    /// The whole size; the small one is the tests' own.
    fn whole(self) -> Option<Size> {
        match self {
            Self::Kills => Some(Size { events: 1_000_000, faults: 200 }),
            Self::Kafka | Self::Rabbitmq => Some(Size { events: 100_000, faults: 20 }),
            Self::Postgres => Some(Size { events: 250_000, faults: 50 }),
            Self::Links | Self::Poison | Self::Rolling => None,
        }
    }
}

impl Arguments {
    fn release(&self) -> bool {
        self.full && !self.debug
    }

    /// What to tell the tests of a fault.
    fn environment(&self, fault: Fault) -> Vec<(&'static str, String)> {
        let whole = fault.whole().filter(|_| self.full);
        let events = self.events.or(whole.map(|size| size.events));
        let faults = self.faults.or(whole.map(|size| size.faults));
        let sizes = [("SEPTET_CHAOS_EVENTS", events), ("SEPTET_CHAOS_FAULTS", faults)];
        let sizes = sizes.into_iter().filter_map(|(name, size)| Some((name, size?.to_string())));
        sizes.chain(self.full.then(|| ("SEPTET_CHAOS_FULL", "true".to_owned()))).collect()
    }
}

/// Runs the faults one after the other, all of them even where one fails.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let directory = root.join("target/chaos");
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let profile: &[&str] = if arguments.release() { &["--release"] } else { &[] };
    build(root, profile)?;
    let faults = match arguments.names.as_slice() {
        [] => Fault::value_variants(),
        named => named,
    };
    let mut failed = Vec::new();
    for fault in faults {
        let name = fault.name();
        figures::forget(&directory, name)?;
        let mut tests = command::cargo(root);
        tests.args(["test", "--package", "septet-e2e", "--test", "faults"]).args(profile);
        // One at a time: each of them wants the machine for itself.
        tests.args(["--", "--nocapture", "--test-threads", "1"]).arg(fault.tests());
        tests.env("SEPTET_CHAOS_DIR", &directory).envs(arguments.environment(*fault));
        let began = Instant::now();
        let outcome = command::run(&mut tests);
        let run = figures::Run {
            passed: outcome.is_ok(),
            full: arguments.full,
            release: arguments.release(),
            seconds: began.elapsed().as_secs(),
        };
        let figures = Figures::collect(root, &directory, name, &run)?;
        if figures.is_empty() {
            failed.push(format!("{name}: no figures; is a server not installed? `SKIPPED` above says which"));
        }
        println!("\n{figures}");
        failed.extend(figures.unmet());
        failed.extend(outcome.err().map(|error| format!("{name}: {error:#}")));
    }
    if failed.is_empty() {
        println!("all faults: ok; figures are in {}", directory.display());
        return Ok(());
    }
    bail!("{}", failed.join("\nerror: "))
}

/// The tests run the binaries that stand beside them.
fn build(root: &Path, profile: &[&str]) -> Result<()> {
    let mut binaries = command::cargo(root);
    binaries.args(["build", "--bins"]).args(profile);
    for package in ["septet", "septet-devops", "septet-review"] {
        binaries.args(["--package", package]);
    }
    command::run(&mut binaries)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(line: &[&str]) -> Arguments {
        Line::parse_from(std::iter::once(&"chaos").chain(line)).arguments
    }

    #[test]
    fn a_full_run_has_the_whole_size_in_release_mode() {
        let full = arguments(&["--full", "kills", "postgres"]);
        assert!(full.release());
        assert_eq!(full.names, [Fault::Kills, Fault::Postgres]);
        let sizes = full.environment(Fault::Kills);
        assert!(sizes.contains(&("SEPTET_CHAOS_EVENTS", "1000000".to_owned())), "{sizes:?}");
        assert!(sizes.contains(&("SEPTET_CHAOS_FAULTS", "200".to_owned())), "{sizes:?}");
        assert!(!arguments(&["--full", "--debug"]).release());
    }

    #[test]
    fn a_small_run_leaves_the_size_to_the_tests_unless_it_is_given() {
        assert_eq!(arguments(&["links"]).environment(Fault::Links), []);
        let given = arguments(&["--events", "500"]).environment(Fault::Kafka);
        assert_eq!(given, [("SEPTET_CHAOS_EVENTS", "500".to_owned())]);
    }

    #[test]
    fn each_fault_names_its_tests() {
        assert_eq!(Fault::Rabbitmq.tests(), "outages::rabbitmq");
        assert_eq!(Fault::Links.tests(), "links::");
    }
}

//! The commands of this workspace's development: `cargo xtask --help` lists them.

// A command-line tool speaks on its standard streams.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod browser;
mod chaos;
mod ci;
mod command;
mod contracts;
mod deps;
mod generate;
mod planted;
mod readmes;
mod real;
mod servers;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development commands of Septet.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must pass before a change is merged, stopping at the first failure.
    Ci,
    /// The whole test suite: `cargo test --workspace`, and which servers were absent. Each test program starts the servers
    /// that it wants, unless a variable names one.
    Test {
        /// Starts Kafka, PostgreSQL, RabbitMQ and Redis once, and all test programs share them.
        #[arg(long)]
        real: bool,
        /// Runs the console's tests in Chromium instead, with what npm has for them.
        #[arg(long, conflicts_with = "real")]
        browser: bool,
        /// Passed on to `cargo test`, such as `-p septet-store`, `NAME` or `NAME -- --exact`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Real servers for development and tests, without containers.
    Servers(servers::ServersArguments),
    /// Checks who imports whom, where features are set, and that no dependency is unused.
    Deps,
    /// Lints the contracts and checks that they break nothing that was released.
    Contracts,
    /// Rewrites the generated files that are checked in: `proto/asyncapi.json` and the services' READMEs.
    Generate {
        /// Only says whether `asyncapi.json` is up to date; a test of the journeys says it of the READMEs.
        #[arg(long)]
        check: bool,
    },
    /// Rewrites `proto/baseline.binpb`, which contracts may not break. Run it as part of a release.
    Baseline,
    /// Switches faults on in the core, one by one, and shows which test catches each.
    Planted {
        /// How often each must be caught.
        #[arg(long, default_value_t = 1)]
        rounds: u32,
    },
    /// Kills, stops, cuts off and malforms under load, and says whether every promise was kept.
    Chaos(chaos::Arguments),
    /// Runs a benchmark in release mode, or lists them.
    Bench {
        /// The benchmark, and further arguments for it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let root = root();
    let result = match Arguments::parse().command {
        Task::Ci => ci::run(&root),
        Task::Test { browser: true, arguments, .. } => browser::run(&root, &arguments),
        Task::Test { real, arguments, .. } => test::run(&root, real, &arguments),
        Task::Servers(arguments) => servers::run(&root, &arguments),
        Task::Deps => deps::run(&root),
        Task::Contracts => contracts::run(&root),
        Task::Generate { check: true } => generate::asyncapi(&root, true),
        Task::Generate { check: false } => {
            generate::asyncapi(&root, false).and_then(|()| readmes::write(&root))
        }
        Task::Baseline => generate::baseline(&root),
        Task::Planted { rounds } => planted::run(&root, rounds),
        Task::Chaos(arguments) => chaos::run(&root, &arguments),
        Task::Bench { arguments } => bench::run(&root, &arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: `xtask` lies directly below it.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{browser, command, contracts, deps, generate, planted, test};

type Step = (&'static str, fn(&Path) -> Result<()>);

/// What takes a second comes first, so that a slip shows before a minute of compiling. Clippy and the tests share no
/// artifacts but build scripts and procedural macros, so their order costs nothing.
const STEPS: [Step; 9] = [
    ("format", format),
    ("dependencies", deps::run),
    ("generated files", |root| generate::asyncapi(root, true)),
    ("contracts", contracts::run),
    ("licences and advisories", deny),
    ("clippy", clippy),
    ("tests", |root| test::run(root, true, &[])),
    ("browser tests", |root| browser::run(root, &[])),
    ("planted faults", |root| planted::run(root, 1)),
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let begun = Instant::now();
    let mut times = Vec::new();
    for (number, (name, step)) in STEPS.iter().enumerate() {
        let of = format!("[{}/{}]", number + 1, STEPS.len());
        println!("\n{of} {name}");
        let started = Instant::now();
        step(root)
            .with_context(|| format!("ci stopped at {of} {name} after {}", shown(started.elapsed())))?;
        println!("{of} {name}: ok in {}", shown(started.elapsed()));
        times.push((name, started.elapsed()));
    }
    println!("\nci: all passed in {}", shown(begun.elapsed()));
    for (name, time) in times {
        println!("  {:>8}  {name}", shown(time));
    }
    Ok(())
}

fn format(root: &Path) -> Result<()> {
    command::run(command::cargo(root).args(["fmt", "--all", "--", "--check"]))
}

fn clippy(root: &Path) -> Result<()> {
    command::run(command::cargo(root).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// `cargo deny` is no part of Rust's own tools, and its advisories need the network: it runs where it is installed.
fn deny(root: &Path) -> Result<()> {
    if !command::exists("cargo-deny") {
        println!("not run: cargo-deny is not installed (`cargo install cargo-deny` adds it)");
        return Ok(());
    }
    command::run(command::cargo(root).args(["deny", "--workspace", "check"]))
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02.0} s", time.as_secs() / 60, seconds % 60.0)
    }
}

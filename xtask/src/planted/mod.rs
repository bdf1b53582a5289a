//! Faults switched on one by one, each of which a test must notice.

mod faults;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{Artifact, Message};
use septet_servers::{Kind, Life, Server, ServerError};

use crate::command;
use faults::{FAULTS, Fault};
use outcome::Outcome;

const PACKAGE: &str = "septet-messaging";
const FEATURE: &str = "septet-messaging/planted";
const SOURCES: &str = "libs/messaging/src";
/// Marks a target directory, for those who look for one and for those who make backups.
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";
/// Names the fault that is on.
const SWITCH: &str = "SEPTET_PLANTED";

/// Prints which test catches which fault; an error where one is not caught, or a test is red without a fault.
pub(crate) fn run(root: &Path, rounds: u32) -> Result<()> {
    complete(root)?;
    absent_elsewhere(root)?;
    let began = Instant::now();
    let binary = build(root)?;
    println!("built in {:.0} s", began.elapsed().as_secs_f64());
    // Beside the build's profile, so that a link to the binary is always possible.
    let target = binary.ancestors().nth(3).context("the test binary is in no target directory")?;
    let folder = target.join("planted");
    let server = postgres(&folder)?;
    let bench = Bench { root, folder: &folder, binary: &binary, postgres: server.as_ref().map(Server::url) };
    let began = Instant::now();
    let tests: BTreeSet<String> = FAULTS.iter().flat_map(Fault::names).collect();
    bench.green(&tests)?;
    println!("{} tests are green without a fault ({:.0} s)", tests.len(), began.elapsed().as_secs_f64());
    let began = Instant::now();
    let outcomes = bench.switch_on(rounds)?;
    print(&outcomes);
    drop(server);
    // What the red tests left behind was to be expected.
    let _ = std::fs::remove_dir_all(&folder);
    let count =
        |what: fn(&Outcome) -> bool| outcomes.values().flatten().filter(|outcome| what(outcome)).count();
    let runs = count(|_| true);
    let caught = count(|outcome| matches!(outcome, Outcome::Caught(_)));
    let skipped = count(|outcome| *outcome == Outcome::Skipped);
    println!(
        "\n{} faults: {runs} runs of a test with one of them, {caught} red, {skipped} not run ({:.0} s)",
        FAULTS.len(),
        began.elapsed().as_secs_f64()
    );
    let missed = runs - caught - skipped;
    ensure!(missed == 0, "{missed} of {runs} runs did not catch their fault");
    // As for any test: where a machine without a server is right, it may skip.
    let must_run = std::env::var("CI").is_ok_and(|ci| ci == "true");
    ensure!(skipped == 0 || !must_run, "{skipped} of {runs} runs had no PostgreSQL");
    Ok(())
}

/// Every fault in the code is in the table, and the other way round.
fn complete(root: &Path) -> Result<()> {
    let mut planted = BTreeSet::new();
    let mut folders = vec![root.join(SOURCES)];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let source = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                planted.extend(sites(&source));
            }
        }
    }
    let table: BTreeSet<String> = FAULTS.iter().map(|fault| fault.name.to_owned()).collect();
    if let Some(name) = planted.difference(&table).next() {
        bail!("{SOURCES} plants {name}; say in xtask/src/planted/faults.rs which test catches it");
    }
    if let Some(name) = table.difference(&planted).next() {
        bail!("{name} is in xtask/src/planted/faults.rs and is planted nowhere in {SOURCES}");
    }
    Ok(())
}

/// Names of the faults that a file plants.
fn sites(source: &str) -> impl Iterator<Item = String> {
    let calls = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    calls
        .flat_map(|line| line.split("planted!(").skip(1))
        .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
}

/// A build without the feature has no trace of it, and none without debug assertions can be made with it.
fn absent_elsewhere(root: &Path) -> Result<()> {
    // Features are those of the whole workspace in each build here, so that no other crate is compiled again.
    let build = ["build", "--workspace", "--bin", "septet-review"];
    let built = cargo(root, &build)?;
    ensure!(!contains(&built.program()?, SWITCH)?, "septet-review looks at {SWITCH}");
    let library = built.library()?;
    for fault in FAULTS {
        ensure!(!contains(&library, fault.name)?, "{} knows of {}", library.display(), fault.name);
    }
    println!("septet-review and the library in it have no trace of any of {} faults", FAULTS.len());

    // As a release is built, without compiling all of it in release mode.
    let as_released = format!("profile.dev.package.{PACKAGE}.debug-assertions=false");
    let mut refused = command::cargo(root);
    refused.args(build).args(["--features", FEATURE, "--config", &as_released]);
    println!("$ {}", command::shown(&refused));
    let output = refused.output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("the feature `planted` plants faults"),
        "a build without debug assertions takes the feature `planted`, or fails for another reason: {said}"
    );
    println!("a build without debug assertions refuses the feature");
    // So `release` has none, and every profile that inherits from it.
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    ensure!(!manifest.contains("debug-assertions"), "a profile in Cargo.toml changes debug-assertions");
    Ok(())
}

fn contains(file: &Path, name: &str) -> Result<bool> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).contains(name))
}

/// The test binary with all faults in it, each switched off.
fn build(root: &Path) -> Result<PathBuf> {
    let built = cargo(root, &["test", "--workspace", "--features", FEATURE, "--test", "core", "--no-run"])?;
    let library = built.library()?;
    for fault in FAULTS {
        ensure!(contains(&library, fault.name)?, "{} does not know of {}", library.display(), fault.name);
    }
    built.program()
}

/// What cargo has built or found to be up to date.
struct Built(Vec<Artifact>);

fn cargo(root: &Path, args: &[&str]) -> Result<Built> {
    let mut command = command::cargo(root);
    command.args(args);
    println!("$ {}", command::shown(&command));
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command.output().context("cannot start cargo")?;
    ensure!(output.status.success(), "`cargo {}` failed ({})", args.join(" "), output.status);
    let mut artifacts = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message.context("cannot read what cargo says")? {
            artifacts.push(artifact);
        }
    }
    Ok(Built(artifacts))
}

impl Built {
    /// The last program, which is the one that was asked for.
    fn program(&self) -> Result<PathBuf> {
        let mut programs = self.0.iter().filter_map(|artifact| artifact.executable.as_ref());
        programs.next_back().map(PathBuf::from).context("cargo built no program")
    }

    /// The library that the faults are in.
    fn library(&self) -> Result<PathBuf> {
        let ours = self.0.iter().filter(|artifact| artifact.target.name == PACKAGE.replace('-', "_"));
        let mut files = ours.flat_map(|artifact| &artifact.filenames);
        let library = files.find(|file| file.extension() == Some("rlib"));
        library.map(PathBuf::from).with_context(|| format!("cargo built no library of {PACKAGE}"))
    }
}

/// One server for all runs, so that not each has to make its own; `None` where somebody else's is named, or where none
/// is installed, which the tests then tell.
fn postgres(folder: &Path) -> Result<Option<Server>> {
    if Kind::Postgres.named().is_some() {
        return Ok(None);
    }
    let mut server = Server::new(Kind::Postgres, &folder.join("postgres"))?.setting("fsync", "off");
    match server.start(Life::WithParent) {
        Ok(()) => Ok(Some(server)),
        Err(ServerError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where the tests are run.
struct Bench<'a> {
    root: &'a Path,
    /// For what the runs leave behind.
    folder: &'a Path,
    binary: &'a Path,
    postgres: Option<String>,
}

/// A fault and one of its tests.
type Run = (&'static str, String);

impl Bench<'_> {
    fn command(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command.current_dir(self.root.join("libs/messaging")).env_remove(SWITCH).env("RUST_BACKTRACE", "0");
        if let Some(url) = &self.postgres {
            command.env(Kind::Postgres.variable(), url);
        }
        command
    }

    fn green(&self, tests: &BTreeSet<String>) -> Result<()> {
        let mut command = self.command(self.binary);
        let output = command.arg("--exact").args(tests).output().context("cannot start the tests")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let passed =
            said.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ... ok")).count();
        if !output.status.success() || passed != tests.len() {
            println!("{said}");
            bail!("of {} tests {passed} are green without a fault, so they prove nothing", tests.len());
        }
        Ok(())
    }

    /// Runs each test with its fault, as many at a time as there are processors.
    fn switch_on(&self, rounds: u32) -> Result<BTreeMap<Run, Vec<Outcome>>> {
        let runs = FAULTS.iter().flat_map(|fault| fault.names().map(|test| (fault.name, test)));
        let runs: Vec<Run> = runs.collect();
        let queue = Mutex::new((0..rounds).flat_map(|_| runs.iter()));
        let outcomes = Mutex::new(BTreeMap::<Run, Vec<Outcome>>::new());
        let work = |number: usize| -> Result<()> {
            let binary = self.own_binary(number)?;
            loop {
                let next = lock(&queue).next();
                let Some((fault, test)) = next else { return Ok(()) };
                let outcome = self.once(&binary, fault, test)?;
                lock(&outcomes).entry((fault, test.clone())).or_default().push(outcome);
            }
        };
        let at_a_time = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..at_a_time).map(|number| scope.spawn(move || work(number))).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a run panicked")))
        })?;
        Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// A test keeps its data in the target directory of its binary, so runs at the same time have one each.
    fn own_binary(&self, number: usize) -> Result<PathBuf> {
        let folder = self.folder.join(format!("{number}/debug/deps"));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let tag = self.folder.join(number.to_string()).join("CACHEDIR.TAG");
        std::fs::write(&tag, CACHEDIR_TAG).with_context(|| format!("cannot write {}", tag.display()))?;
        let own = folder.join("core");
        // Of an earlier build.
        let _ = std::fs::remove_file(&own);
        std::fs::hard_link(self.binary, &own).with_context(|| format!("cannot link {}", own.display()))?;
        Ok(own)
    }

    fn once(&self, binary: &Path, fault: &str, test: &str) -> Result<Outcome> {
        let mut command = self.command(binary);
        command.env(SWITCH, fault).args(["--exact", test, "--show-output"]);
        let output = command.output().with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Outcome::read(&String::from_utf8_lossy(&output.stdout), test))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn print(outcomes: &BTreeMap<Run, Vec<Outcome>>) {
    for fault in FAULTS {
        println!("\n{}: {}", fault.name, fault.breaks);
        for test in fault.names() {
            let Some(outcomes) = outcomes.get(&(fault.name, test.clone())) else { continue };
            let caught = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Caught(_))).count();
            // Of several rounds the one that went wrong.
            let shown = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Caught(_)));
            let shown = shown.or(outcomes.first()).map(ToString::to_string).unwrap_or_default();
            let shown: String = shown.chars().take(140).collect();
            println!("  {caught}/{} {test}\n      {shown}", outcomes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_source_is_found() {
        let source = "planted!(One => x);\n    // planted!(Not => y)\n  planted!(Two: a = b);";
        assert_eq!(sites(source).collect::<Vec<_>>(), ["One", "Two"]);
    }

    #[test]
    fn tests_have_names_for_both_engines() {
        let inbox = FAULTS.iter().find(|fault| fault.name == "FreshSetIgnored").unwrap();
        let names: Vec<_> = inbox.names().collect();
        assert_eq!(names.len(), 2);
        assert!(names[0].starts_with("effects::sqlite::") && names[1].starts_with("effects::postgres::"));
    }
}

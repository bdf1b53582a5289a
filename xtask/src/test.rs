use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::{command, real::Real};

/// Runs `cargo test`, passes its output on, and closes with one summary over all test binaries. With `real`, all share
/// servers that are started here.
pub(crate) fn run(root: &Path, real: bool, arguments: &[String]) -> Result<()> {
    // The journeys run the real binary, which `cargo test` does not build for a package without tests of its own kind.
    let mut binaries = command::cargo(root);
    binaries.args(["build", "--workspace", "--bins"]);
    command::run(&mut binaries)?;
    let real = if real { Real::start()? } else { Real::default() };
    let mut command = command::cargo(root);
    command.arg("test").args(cargo_arguments(arguments)).envs(real.variables());
    let shown = command::shown(&command);
    println!("$ {shown}");
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot start cargo")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Tests report a skip on either stream, so both are read while they are passed on.
    let (mut tally, skipped) = std::thread::scope(|scope| {
        let stderr = scope.spawn(|| follow(stderr, std::io::stderr()));
        let tally = follow(stdout, std::io::stdout());
        (tally, stderr.join().unwrap_or_default().skipped)
    });
    for (server, why) in real.absent().chain(skipped) {
        tally.skip(&server, &why);
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{shown}`"))?;
    println!("\n{}", tally.summary(status.success()));
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// All packages unless some are named, every binary even after a failure, and the output of passed tests, in which
/// skips are reported; [`Tally`] keeps the rest of that output to itself.
fn cargo_arguments(arguments: &[String]) -> Vec<String> {
    let split = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let (for_cargo, for_tests) = arguments.split_at(split);
    let names_packages =
        for_cargo.iter().any(|a| a.starts_with("-p") || a.starts_with("--package") || a == "--workspace");
    let mut all = Vec::new();
    if !names_packages {
        all.push("--workspace".to_owned());
    }
    all.push("--no-fail-fast".to_owned());
    all.extend_from_slice(for_cargo);
    all.extend(["--".to_owned(), "--show-output".to_owned()]);
    all.extend(for_tests.iter().skip(1).cloned());
    all
}

fn follow(from: Option<impl Read>, mut to: impl Write) -> Tally {
    let mut tally = Tally::default();
    let Some(from) = from else { return tally };
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&line);
        if tally.read(text.trim_end()) {
            // Where nobody reads our output any more, the tests still run to their end.
            let _ = to.write_all(&line).and_then(|()| to.write_all(b"\n")).and_then(|()| to.flush());
        }
    }
    tally
}

/// What the lines of all test binaries add up to.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    binaries: u32,
    passed: u64,
    failed: u64,
    ignored: u64,
    failures: Vec<String>,
    /// Absent servers, and why.
    skipped: BTreeMap<String, String>,
    skips: u64,
    /// Within the output of passed tests.
    in_successes: bool,
}

impl Tally {
    /// Takes in one line; `false` if it is not worth showing.
    fn read(&mut self, line: &str) -> bool {
        if let Some((server, why)) =
            line.trim_start().strip_prefix("SKIPPED ").and_then(|rest| rest.split_once(": "))
        {
            self.skip(server, why);
            return true;
        }
        if line == "successes:" {
            self.in_successes = true;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.in_successes = false;
        }
        if let Some(result) = line.strip_prefix("test result: ") {
            self.binaries += 1;
            self.passed += count(result, " passed");
            self.failed += count(result, " failed");
            self.ignored += count(result, " ignored");
        }
        if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
        !self.in_successes
    }

    fn skip(&mut self, server: &str, why: &str) {
        self.skips += 1;
        self.skipped.insert(server.to_owned(), why.to_owned());
    }

    /// `success` is what the runner says: where the build fails, no test does.
    fn summary(&self, success: bool) -> String {
        let mut lines = Vec::new();
        for (server, why) in &self.skipped {
            lines.push(format!("skipped for want of {server}: {why}"));
        }
        lines.extend(self.failures.iter().map(|name| format!("failed: {name}")));
        let Self { binaries, passed, failed, ignored, skips, .. } = self;
        let skips =
            if *skips == 0 { String::new() } else { format!(", {skips} skipped and counted as passed") };
        let outcome = if success { "ok" } else { "FAILED" };
        lines.push(format!(
            "all tests: {outcome}. {passed} passed; {failed} failed; {ignored} ignored{skips}; {binaries} binaries"
        ));
        lines.join("\n")
    }
}

/// The number before `what` in `ok. 3 passed; 0 failed; …`.
fn count(result: &str, what: &str) -> u64 {
    let before = result.find(what).map_or("", |end| &result[..end]);
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(given: &[&str]) -> String {
        cargo_arguments(&given.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn arguments_reach_cargo_and_the_tests() {
        assert_eq!(arguments(&[]), "--workspace --no-fail-fast -- --show-output");
        assert_eq!(
            arguments(&["-p", "septet-store", "name"]),
            "--no-fail-fast -p septet-store name -- --show-output"
        );
        assert_eq!(
            arguments(&["--doc", "--", "--nocapture"]),
            "--workspace --no-fail-fast --doc -- --show-output --nocapture"
        );
    }

    #[test]
    fn binaries_are_added_up_and_skips_are_named() {
        let output = "\
running 3 tests
test store::writes ... ok
test queue::works ... ok
test store::reads ... FAILED

successes:

---- queue::works stdout ----
chatter of a test that passed
SKIPPED RabbitMQ: rabbitmq-server is not on the PATH

successes:
    queue::works
    store::writes

failures:

---- store::reads stdout ----
no such row

failures:
    store::reads

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: ok. 10 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let mut tally = Tally::default();
        let shown: Vec<&str> = output.lines().filter(|line| tally.read(line)).collect();
        assert!(!shown.contains(&"chatter of a test that passed"), "{shown:#?}");
        for line in
            ["no such row", "SKIPPED RabbitMQ: rabbitmq-server is not on the PATH", "    store::reads"]
        {
            assert!(shown.contains(&line), "{line} is not in {shown:#?}");
        }
        assert_eq!(
            tally.summary(false),
            "skipped for want of RabbitMQ: rabbitmq-server is not on the PATH\n\
             failed: store::reads\n\
             all tests: FAILED. 12 passed; 1 failed; 2 ignored, 1 skipped and counted as passed; 2 binaries"
        );
    }
}

//! The tests of the console in a real browser: Playwright from npm with the Chromium that the machine has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

/// Names that a Chromium goes by.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// A Chromium elsewhere.
const CHROMIUM_VARIABLE: &str = "SEPTET_CHROMIUM";
/// The oldest Node.js that Playwright runs on.
const NODE: u32 = 20;

/// Builds the suite and runs the tests against it; `arguments` go to Playwright. Without a browser, says so and succeeds,
/// unless this is CI.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let chromium = match tools() {
        Ok(chromium) => chromium,
        Err((tool, why)) => return skip(tool, &why),
    };
    command::run(command::cargo(root).args(["build", "--package", "septet", "--bin", "septet"]))?;
    let tests = root.join("tests/browser");
    install(&tests)?;
    let mut npm = npm(&tests);
    npm.args(["test", "--"]).args(arguments);
    npm.env(CHROMIUM_VARIABLE, chromium).env("SEPTET_BINARY", root.join("target/debug/septet"));
    command::run(&mut npm)?;
    println!("screenshots: {}", root.join("target/browser").display());
    Ok(())
}

/// Where Chromium is, once everything else is there too; else what is not, and what to do.
fn tools() -> Result<PathBuf, (&'static str, String)> {
    let npm = "npm is not on the PATH; install Node.js 20 or newer with npm";
    let version = command::exists("npm").then(node).flatten();
    let version = version.ok_or_else(|| ("npm", npm.to_owned()))?;
    if version < NODE {
        return Err(("Node.js", format!("version {version} is too old for Playwright, which wants {NODE}")));
    }
    if let Some(chromium) = std::env::var_os(CHROMIUM_VARIABLE) {
        return Ok(chromium.into());
    }
    let found = CHROMIUM.iter().find(|name| command::exists(name));
    let absent = || {
        let why = format!("none of {} is on the PATH; Debian's package is `chromium`", CHROMIUM.join(", "));
        ("Chromium", why)
    };
    found.and_then(|name| on_path(name)).ok_or_else(absent)
}

/// The first number of Node.js's version.
fn node() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// What the lock file says, unless it is there already.
fn install(tests: &Path) -> Result<()> {
    let changed = |file: &str| fs::metadata(tests.join(file)).and_then(|file| file.modified()).ok();
    let there = changed("node_modules/.package-lock.json");
    if there.is_some() && there >= changed("package-lock.json") {
        return Ok(());
    }
    let mut npm = npm(tests);
    npm.args(["ci", "--no-audit", "--no-fund"]).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    command::run(&mut npm).with_context(|| format!("the packages of {} are not to be had", tests.display()))
}

fn npm(tests: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(tests);
    npm
}

fn skip(tool: &str, why: &str) -> Result<()> {
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!("the browser tests cannot run for want of {tool}: {why}");
    }
    println!("SKIPPED {tool}: {why}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn a_version_is_read_by_its_first_number() {
        assert_eq!((major("v20.20.2\n"), major("v8.0.0"), major("nonsense")), (Some(20), Some(8), None));
    }
}

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// How the tests of a fault ran.
pub(super) struct Run {
    pub passed: bool,
    pub full: bool,
    pub release: bool,
    pub seconds: u64,
}

/// What the tests of a fault measured, one report for each test.
pub(super) struct Figures(Vec<Value>);

/// Removes the reports of an earlier run.
pub(super) fn forget(directory: &Path, name: &str) -> Result<()> {
    for file in reports(directory, name)? {
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}

/// `<name>.json`, and `<name>-<part>.json` where a fault has several tests.
fn reports(directory: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let rest = stem.strip_prefix(name);
        if path.extension().is_some_and(|end| end == "json")
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl Figures {
    /// Reads the reports that the tests left, and adds to each what the run was.
    pub(super) fn collect(root: &Path, directory: &Path, name: &str, run: &Run) -> Result<Self> {
        let mut all = Vec::new();
        for file in reports(directory, name)? {
            let at = || file.display().to_string();
            let text = fs::read_to_string(&file).with_context(at)?;
            let mut report: Value = serde_json::from_str(&text).with_context(at)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            report["commit"] = commit(root).into();
            report["machine"] = machine().into();
            report["ended_at"] = now.into();
            report["size"] = if run.full { "full" } else { "smoke" }.into();
            report["profile"] = if run.release { "release" } else { "debug" }.into();
            report["seconds"] = run.seconds.into();
            report["passed"] = json!(run.passed);
            fs::write(&file, serde_json::to_string_pretty(&report)? + "\n").with_context(at)?;
            all.push(report);
        }
        Ok(Self(all))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each figure that is above its bar.
    pub(super) fn unmet(&self) -> Vec<String> {
        let mut unmet = Vec::new();
        for report in &self.0 {
            let rows = report["rows"].as_array().into_iter().flatten();
            for row in rows.filter(|row| row["met"] == json!(false)) {
                let (name, what) = (text(&report["name"]), text(&row["what"]));
                unmet.push(format!("{name}: {what} is {}, and may be {}", row["value"], row["must"]));
            }
        }
        unmet
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.0 {
            let outcome = if report["passed"] == json!(true) { "passed" } else { "FAILED" };
            writeln!(f, "{}: {outcome} in {} s", text(&report["name"]), report["seconds"])?;
            for row in report["rows"].as_array().into_iter().flatten() {
                let value = row["value"].as_f64().unwrap_or_default();
                let bar = match (row["must"].as_f64(), row["met"].as_bool()) {
                    (Some(must), Some(met)) => {
                        format!("   at most {}: {}", short(must), if met { "met" } else { "NOT MET" })
                    }
                    _ => String::new(),
                };
                writeln!(f, "  {:<58}{:>12} {}{bar}", text(&row["what"]), short(value), text(&row["unit"]))?;
            }
        }
        Ok(())
    }
}

/// Without decimals where there are none.
fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The commit, and whether anything stands beside it.
fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(root).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit} with changes"),
    }
}

fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_a_fault_are_found_judged_and_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let write = |file: &str, rows: Value| {
            let report = json!({"name": file, "rows": rows}).to_string();
            fs::write(directory.path().join(format!("{file}.json")), report).unwrap();
        };
        write("links-kafka", json!([{"what": "lost", "value": 0.0, "unit": "", "must": 0.0, "met": true}]));
        write(
            "links-postgres",
            json!([{"what": "calls", "value": 1.5, "unit": "", "must": 1.2, "met": false}]),
        );
        write("linksmith", json!([]));
        let run = Run { passed: true, full: false, release: false, seconds: 7 };
        let figures = Figures::collect(directory.path(), directory.path(), "links", &run).unwrap();
        let shown = figures.to_string();
        assert!(
            shown.contains("links-kafka: passed in 7 s") && shown.contains("at most 1.20: NOT MET"),
            "{shown}"
        );
        assert!(!shown.contains("linksmith"), "{shown}");
        assert_eq!(figures.unmet(), ["links-postgres: calls is 1.5, and may be 1.2"]);
        let kept = fs::read_to_string(directory.path().join("links-kafka.json")).unwrap();
        assert!(kept.contains("\"size\": \"smoke\""), "{kept}");
        forget(directory.path(), "links").unwrap();
        assert_eq!(reports(directory.path(), "links").unwrap(), Vec::<PathBuf>::new());
        assert!(directory.path().join("linksmith.json").exists());
    }
}

//! Reviews without a server: of files as they are, or of a diff.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use septet_chassis::cli::print;
use septet_review::{
    finding::{Finding, Severity},
    policy::{Judgement, Policy, Verdict},
    rules::RuleSet,
    scan::{FingerprintKey, Limits, Scan, Scanner},
};
use serde_json::json;

use crate::text;

/// Bytes of a file at most; larger ones are named and not read.
const MAX_FILE: u64 = 8 << 20;
/// Bytes of a diff at most.
const MAX_DIFF: u64 = 256 << 20;
/// Bytes of a rule file at most.
const MAX_RULES: u64 = 4 << 20;
/// A file with a zero among its first bytes is binary, as git has it.
const BINARY: usize = 8_000;

/// Looks for secrets without running anything.
#[derive(Subcommand)]
pub enum ReviewCommand {
    /// Look at every file of a directory, or at one file, as if it were all new
    #[command(after_help = HELP)]
    Scan {
        /// The directory; files that git ignores and binary files are left out
        #[arg(default_value = ".")]
        path: PathBuf,
        #[command(flatten)]
        options: Options,
    },
    /// Look at what a diff adds
    #[command(after_help = HELP)]
    Diff {
        /// A unified diff as `git diff` prints it, or `-` for standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        options: Options,
    },
}

const HELP: &str = "--json prints {verdict, reason, files, lines, suppressed, omitted, notRead, findings: [{file, line, ruleId, description, severity, excerpt}]}.
Exit status: 0 the gate passes, 1 error, 3 the gate fails.";

/// How to look.
#[derive(Args)]
pub struct Options {
    /// Rules in gitleaks' TOML format instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The gate fails on a finding of this severity or above
    #[arg(long, default_value = "high", value_name = "SEVERITY")]
    fail_on: FailOn,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A severity as it is written on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub enum FailOn {
    Low,
    Medium,
    High,
    Critical,
}

impl From<FailOn> for Severity {
    fn from(on: FailOn) -> Self {
        match on {
            FailOn::Low => Self::Low,
            FailOn::Medium => Self::Medium,
            FailOn::High => Self::High,
            FailOn::Critical => Self::Critical,
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// What is to be looked at, or the rules, cannot be read.
pub fn run(command: &ReviewCommand) -> anyhow::Result<ExitCode> {
    let (ReviewCommand::Scan { options, .. } | ReviewCommand::Diff { options, .. }) = command;
    let scanner = scanner(options.rules.as_deref())?;
    let policy = Policy::new(options.fail_on.into(), None, Vec::new())?;
    let (scan, not_read) = match command {
        ReviewCommand::Scan { path, .. } => files(&scanner, path)?,
        ReviewCommand::Diff { file, .. } => (diff(&scanner, file)?, Vec::new()),
    };
    let judgement = policy.judge(&scan.findings);
    print(&match options.json {
        true => as_json(&scan, &not_read, &judgement)?,
        false => for_people(&scan, &not_read, &judgement),
    })?;
    Ok(if judgement.verdict == Verdict::Fail { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

fn scanner(rules: Option<&Path>) -> anyhow::Result<Scanner> {
    let rules = match rules {
        None => RuleSet::builtin()?,
        Some(path) => {
            let text = read(path, MAX_RULES)?;
            let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", path.display()))?;
            RuleSet::from_toml(&text).with_context(|| path.display().to_string())?
        }
    };
    // Fingerprints are for those who keep them, and are not shown here.
    Ok(Scanner::new(rules, FingerprintKey::new(rand::random()))?)
}

/// Everything below a path, and the files that could not be looked at with the reason.
fn files(scanner: &Scanner, path: &Path) -> anyhow::Result<(Scan, Vec<String>)> {
    std::fs::metadata(path).with_context(|| path.display().to_string())?;
    let mut walk = ignore::WalkBuilder::new(path);
    // Hidden files have secrets as well; git's own are none of the project's.
    walk.hidden(false).require_git(false).sort_by_file_name(Ord::cmp);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    let (mut all, mut not_read) = (Scan::default(), Vec::new());
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                not_read.push(error.to_string());
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let name = entry.path().strip_prefix(path).ok().filter(|rest| !rest.as_os_str().is_empty());
        let name = name.unwrap_or(entry.path()).display().to_string();
        match read(entry.path(), MAX_FILE) {
            Ok(bytes) if bytes.iter().take(BINARY).any(|byte| *byte == 0) => {}
            Ok(bytes) => {
                let scan = scanner.scan_text(&name, &bytes);
                all.files += 1;
                all.lines = all.lines.saturating_add(scan.lines);
                all.omitted += scan.omitted;
                all.suppressed += scan.suppressed;
                all.findings.extend(scan.findings);
            }
            Err(error) => not_read.push(format!("{error:#}")),
        }
    }
    Ok((all, not_read))
}

fn diff(scanner: &Scanner, file: &Path) -> anyhow::Result<Scan> {
    let bytes = match file.as_os_str() == "-" {
        true => bounded(io::stdin().lock(), MAX_DIFF).context("standard input")?,
        false => read(file, MAX_DIFF)?,
    };
    let most = usize::try_from(MAX_DIFF).unwrap_or(usize::MAX);
    let limits = septet_review::diff::Limits { max_bytes: most, ..Default::default() };
    let limits = Limits { diff: limits, ..Limits::default() };
    scanner.scan(&bytes, None, &limits).with_context(|| format!("{} is no diff", file.display()))
}

fn read(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let read = || bounded(File::open(path)?, most);
    read().with_context(|| path.display().to_string())
}

fn bounded(source: impl Read, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        bail!("larger than {most} bytes");
    }
    Ok(bytes)
}

fn as_json(scan: &Scan, not_read: &[String], judgement: &Judgement) -> anyhow::Result<String> {
    let finding = |finding: &Finding| {
        json!({
            "file": finding.file,
            "line": finding.line,
            "ruleId": finding.rule_id,
            "description": finding.description,
            "severity": finding.severity.name(),
            "excerpt": finding.excerpt,
        })
    };
    let json = json!({
        "verdict": match judgement.verdict {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        },
        "reason": judgement.reason,
        "files": scan.files,
        "lines": scan.lines,
        "suppressed": scan.suppressed,
        "omitted": scan.omitted,
        "notRead": not_read,
        "findings": scan.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&json)?))
}

fn for_people(scan: &Scan, not_read: &[String], judgement: &Judgement) -> String {
    let findings = scan.findings.iter().map(|finding| {
        format!(
            "{:8}  {}:{}  {}  {}\n",
            finding.severity.name(),
            text::fit(&finding.file, 120),
            finding.line,
            finding.rule_id,
            text::fit(&finding.excerpt, 160)
        )
    });
    let not_read = not_read.iter().map(|why| format!("not read  {}\n", text::fit(why, 200)));
    let total = format!(
        "{} in {} lines of {}: {}\n",
        text::count(scan.findings.len() as u64 + scan.omitted, "finding"),
        scan.lines,
        text::count(scan.files.into(), "file"),
        judgement.reason
    );
    findings.chain(not_read).chain([total]).collect()
}

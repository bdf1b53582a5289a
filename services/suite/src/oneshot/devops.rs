//! `septet devops …`: what a directory is made of, and a pipeline for it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use septet_chassis::{cli::print, contract::json::message_to_json};
use septet_devops::{
    generate::{self, GeneratedFile},
    stack::{self, Analysis, Component, Fact, Limits, Rules, StackConfig, Task},
};

use crate::text::{count, fit};

/// What a file that was written here says on its first line.
const OURS: &str = "# Written by `septet devops generate`";

/// Looks at a directory's files without running any of them.
#[derive(Subcommand)]
pub enum DevopsCommand {
    /// Say which languages, frameworks, commands, versions, ports and services a directory has, and why
    #[command(after_help = "--json prints septet.devops.v1.StackAnalysis as JSON.")]
    Analyze {
        #[command(flatten)]
        from: From,
        /// Name the file, the line and the rule of every claim
        #[arg(long, conflicts_with = "json")]
        evidence: bool,
    },
    /// Write a pipeline for GitHub Actions and GitLab
    #[command(
        after_help = "Without --write and --check the files are printed. --json prints septet.devops.v1.GeneratePipelineResponse as JSON.\nExit status: 0 fine, 1 error, 3 files are not as they would be written (--check)."
    )]
    Generate {
        #[command(flatten)]
        from: From,
        /// Only this one
        #[arg(long)]
        only: Option<Platform>,
        /// Write the files into the directory
        #[arg(long, conflicts_with_all = ["json", "check"])]
        write: bool,
        /// With --write: also over files that something else wrote
        #[arg(long, requires = "write")]
        force: bool,
        /// Compare with the files that are there
        #[arg(long, conflicts_with = "json")]
        check: bool,
    },
}

/// What to look at.
#[derive(Args)]
pub struct From {
    /// The directory
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Directory of rule files that add stacks, or replace built-in ones of the same name
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Who runs the pipeline.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// GitHub Actions
    Github,
    /// GitLab
    Gitlab,
}

/// Runs a command to its end.
///
/// # Errors
/// The directory or the rules cannot be read, or a file cannot be written.
pub fn run(command: DevopsCommand) -> anyhow::Result<ExitCode> {
    match command {
        DevopsCommand::Analyze { from, evidence } => {
            let (analysis, _) = from.analyze()?;
            if from.json {
                let json = message_to_json(&stack::reply(&analysis))?;
                print(&format!("{}\n", serde_json::to_string_pretty(&json)?))?;
            } else {
                print(&describe(&analysis, evidence))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        DevopsCommand::Generate { from, only, write, force, check } => {
            let (analysis, rules) = from.analyze()?;
            let mut generated = generate::generate(&analysis, &rules)?;
            if let Some(platform) = only {
                let kept = generated.files.remove(usize::from(platform == Platform::Gitlab));
                generated.files = vec![kept];
            }
            if from.json {
                let json = message_to_json(&generate::reply(&generated))?;
                print(&format!("{}\n", serde_json::to_string_pretty(&json)?))?;
                return Ok(ExitCode::SUCCESS);
            }
            if check {
                return self::check(&from.path, &generated.files);
            }
            let mut text = String::new();
            for file in &generated.files {
                if write {
                    self::write(&from.path, file, force)?;
                    let _ = writeln!(text, "{}: written", file.path);
                } else {
                    let _ = writeln!(text, "# {}\n{}", file.path, file.content);
                }
            }
            for note in &generated.pipeline.notes {
                let _ = writeln!(text, "# left out: {}", fit(note, 200));
            }
            print(&text)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl From {
    fn analyze(&self) -> anyhow::Result<(Analysis, Rules)> {
        let rules = StackConfig { rules_dir: self.rules.clone() }.rules()?;
        let analysis = stack::analyze_directory(&self.path, &rules, &Limits::default())?;
        Ok((analysis, rules))
    }
}

fn check(root: &Path, files: &[GeneratedFile]) -> anyhow::Result<ExitCode> {
    let mut stale = false;
    for file in files {
        let same = match fs::read(root.join(file.path)) {
            Ok(there) => there == file.content.as_bytes(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.path)),
        };
        print(&format!("{}: {}\n", file.path, if same { "as it would be written" } else { "differs" }))?;
        stale |= !same;
    }
    Ok(if stale { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

fn write(root: &Path, file: &GeneratedFile, force: bool) -> anyhow::Result<()> {
    let path = root.join(file.path);
    let there = fs::read_to_string(&path);
    if there.is_ok_and(|text| !text.starts_with(OURS)) && !force {
        bail!("{} was written by something else; --force replaces it", path.display());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&path, &file.content).with_context(|| format!("cannot write {}", path.display()))
}

fn describe(analysis: &Analysis, evidence: bool) -> String {
    let mut text = String::new();
    for component in &analysis.components {
        describe_component(&mut text, component, evidence);
    }
    let looked = count(analysis.files as u64, "file");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{looked} looked at, {} read", analysis.files_read);
    for left in &analysis.left_out {
        let _ = writeln!(text, "left out: {} {}", fit(&left.path, 100), fit(&left.reason, 200));
    }
    text
}

fn describe_component(text: &mut String, component: &Component, evidence: bool) {
    let path = if component.path.is_empty() { "." } else { &component.path };
    let mut about = component.stacks.iter().cloned().collect::<Vec<_>>().join(", ");
    if !component.member_of.is_empty() {
        about.push_str(" (of the workspace above)");
    }
    if component.example {
        about.push_str(" (example)");
    }
    let _ = writeln!(text, "{}  {about}", fit(path, 100));
    for claim in &component.claims {
        let (kind, what) = line(&claim.fact);
        let first = claim.evidence.first();
        let why = first.map(|piece| match piece.line {
            0 => format!("{} ({})", piece.path, piece.rule),
            line => format!("{}:{line} ({})", piece.path, piece.rule),
        });
        let why = why.filter(|_| evidence).map(|why| format!("  {:3} %  {why}", claim.confidence));
        let _ = writeln!(text, "  {kind:10} {}{}", fit(&what, 100), fit(&why.unwrap_or_default(), 200));
    }
    text.push('\n');
}

fn line(fact: &Fact) -> (&'static str, String) {
    let versioned = |name: &String, version: &Option<String>| match version {
        Some(version) => format!("{name} {version}"),
        None => name.clone(),
    };
    match fact {
        Fact::Language { name, files: 0, .. } => ("language", name.clone()),
        Fact::Language { name, files, .. } => {
            ("language", format!("{name} ({})", count(u64::from(*files), "file")))
        }
        Fact::PackageManager { name, version } => ("packages", versioned(name, version)),
        Fact::Framework { name, version } => ("uses", versioned(name, version)),
        Fact::Runtime { name, version } => ("runs on", format!("{name} {version}")),
        Fact::Command { task, run } => {
            let kind = match task {
                Task::Install => "install",
                Task::Lint => "lint",
                Task::Build => "build",
                Task::Test => "test",
            };
            (kind, run.clone())
        }
        Fact::Port { number } => ("port", number.to_string()),
        Fact::Service { name, version } => ("needs", versioned(name, version)),
        Fact::Container { path } => ("image", path.clone()),
        Fact::Chart { path } => ("chart", path.clone()),
        Fact::Infrastructure { name } => ("manages", name.clone()),
    }
}

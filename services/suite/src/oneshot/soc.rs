//! Detection rules without a server.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use septet_chassis::cli::print;
use septet_soc::{
    sigma::{EventSource, Hit, Level, Placeholders, RuleSet, explanation, load::add_directory},
    signal::Signal,
};
use serde_json::{Map, Value, json};

use crate::text;

/// Bytes of one line at most.
const MAX_LINE: u64 = 16 << 20;

/// What is done with detection rules without a server.
#[derive(Subcommand)]
pub enum SocCommand {
    /// Look for events that fulfil Sigma rules
    ///
    /// Files have one JSON object on each line. Each event is held against the rules of its log, which is told by its members
    /// `_product`, `_service` and `_category`, or those of `logsource`; by channel and number where it is a Windows event
    /// (flat, or as EVTX readers write them); and by the options below. Ends with 3 where something was found, and with 1
    /// where a file or a line cannot be read.
    Scan(ScanArgs),
}

#[derive(Args)]
pub struct ScanArgs {
    /// Directory with Sigma rules, or one file; may be given again
    #[arg(long, required = true, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Files with events; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Rules of this level or worse
    #[arg(long, value_name = "LEVEL", default_value = "low")]
    min_level: MinLevel,
    /// Product of the events, where it is the same for all, such as windows
    #[arg(long, default_value = "")]
    product: String,
    /// Service of the events, such as sshd
    #[arg(long, default_value = "")]
    service: String,
    /// Category of the events, such as process_creation
    #[arg(long, default_value = "")]
    category: String,
    /// Hold every event against every rule, whatever its log
    #[arg(long)]
    any_log: bool,
    /// Value of a placeholder of rules with `expand`; may be given again
    #[arg(long = "placeholder", value_name = "NAME=VALUE")]
    placeholders: Vec<String>,
    /// One JSON object for each hit: `file`, `line`, `rule` (`id`, `title`, `level`, `tags`, `file`), `explanation`, `matches`
    /// (`field`, `predicate`, `value`)
    #[arg(long)]
    json: bool,
}

/// A level of rules.
#[derive(Clone, Copy, ValueEnum)]
pub enum MinLevel {
    /// All
    Informational,
    /// Rarely an incident
    Low,
    /// To be reviewed
    Medium,
    /// To be reviewed soon
    High,
    /// Almost certainly an incident
    Critical,
}

impl MinLevel {
    fn level(self) -> Level {
        match self {
            Self::Informational => Level::Informational,
            Self::Low => Level::Low,
            Self::Medium => Level::Medium,
            Self::High => Level::High,
            Self::Critical => Level::Critical,
        }
    }
}

/// Runs a command.
///
/// # Errors
/// Rules or events cannot be read, or nothing can be printed.
pub fn run(command: SocCommand) -> anyhow::Result<ExitCode> {
    let SocCommand::Scan(args) = command;
    let rules = rules(&args)?;
    let mut scan = Scan { rules: &rules, args: &args, events: 0, hits: 0 };
    for path in &args.files {
        if path.as_os_str() == "-" {
            scan.read("-", io::stdin().lock())?;
        } else {
            let name = path.display().to_string();
            let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
            scan.read(&name, BufReader::new(file))?;
        }
    }
    if !args.json {
        let (events, hits) = (text::count(scan.events, "event"), text::count(scan.hits, "hit"));
        let live = text::count(rules.rules().len() as u64, "rule");
        print(&format!("{events}, {live}, {hits}\n"))?;
    }
    Ok(if scan.hits > 0 { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

fn rules(args: &ScanArgs) -> anyhow::Result<RuleSet> {
    let mut placeholders = Placeholders::new();
    for given in &args.placeholders {
        let Some((name, value)) = given.split_once('=') else {
            bail!("--placeholder {given}: write it as NAME=VALUE");
        };
        placeholders.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    let mut rules = RuleSet::default();
    for path in &args.rules {
        add_directory(&mut rules, path, &placeholders)
            .with_context(|| format!("cannot read the rules of {}", path.display()))?;
    }
    for rejected in rules.rejected() {
        let error = &rejected.error;
        tell(&format!("{}:{}: rejected: {}", rejected.file, error.line, error.reason));
    }
    if rules.rules().is_empty() {
        bail!("there is no rule that can be evaluated");
    }
    Ok(rules)
}

/// To standard error: standard output is for what was found.
#[allow(clippy::print_stderr)]
fn tell(line: &str) {
    eprintln!("{}", text::fit(line, 500));
}

struct Scan<'s> {
    rules: &'s RuleSet,
    args: &'s ScanArgs,
    events: u64,
    hits: u64,
}

impl Scan<'_> {
    fn read(&mut self, name: &str, mut from: impl BufRead) -> anyhow::Result<()> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let mut some = io::Read::take(&mut from, MAX_LINE + 1);
            let read = some.read_until(b'\n', &mut line).with_context(|| format!("cannot read {name}"))?;
            if read == 0 {
                break;
            }
            if read as u64 > MAX_LINE {
                bail!("{name}:{number}: the line has more than {MAX_LINE} bytes");
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let event: Map<String, Value> = serde_json::from_slice(&line)
                .map_err(|error| anyhow::anyhow!("{name}:{number}: not a JSON object: {}", place(&error)))?;
            self.events += 1;
            self.look(name, number, event)?;
        }
        Ok(())
    }

    fn look(&mut self, name: &str, number: u64, event: Map<String, Value>) -> anyhow::Result<()> {
        let args = self.args;
        let given = EventSource {
            product: args.product.clone(),
            service: args.service.clone(),
            category: args.category.clone(),
        };
        let signal = Signal::of_json(&given, event);
        let least = args.min_level.level();
        let hits = if args.any_log {
            self.rules.evaluate_all(&signal.fields, least)
        } else {
            self.rules.evaluate(&signal.source, &signal.fields, least)
        };
        for hit in hits {
            self.hits += 1;
            print(&if args.json { as_json(name, number, &hit) } else { as_text(name, number, &hit) })?;
        }
        Ok(())
    }
}

/// What is wrong, without the document's own words.
fn place(error: &serde_json::Error) -> String {
    format!("column {}", error.column())
}

fn as_text(name: &str, number: u64, hit: &Hit<'_>) -> String {
    let rule = &hit.loaded.rule;
    let title = text::fit(&rule.title, 200);
    let explanation = explanation(&hit.matched, 0);
    format!("{name}:{number}: {}: {title} ({})\n    {explanation}\n", rule.level.name(), rule.id)
}

fn as_json(name: &str, number: u64, hit: &Hit<'_>) -> String {
    let rule = &hit.loaded.rule;
    let matches = hit.matched.iter().map(
        |matched| json!({"field": matched.field, "predicate": matched.predicate, "value": matched.value}),
    );
    let line = json!({
        "file": name,
        "line": number,
        "rule": {
            "id": rule.id,
            "title": rule.title,
            "level": rule.level.name(),
            "tags": rule.tags,
            "file": &*hit.loaded.file,
        },
        "explanation": explanation(&hit.matched, 0),
        "matches": matches.collect::<Vec<_>>(),
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "title: Whoami\nid: a\nlevel: medium\nlogsource:\n    category: process_creation\ndetection:\n    s:\n        \
                        Image|endswith: whoami.exe\n    condition: s\n";

    fn scan(lines: &str, options: &[&str]) -> anyhow::Result<ExitCode> {
        use clap::Parser;

        #[derive(Parser)]
        struct Cli {
            #[command(subcommand)]
            command: SocCommand,
        }

        let directory = tempfile::tempdir()?;
        let (rule, events) = (directory.path().join("rule.yml"), directory.path().join("events.jsonl"));
        std::fs::write(&rule, RULE)?;
        std::fs::write(&events, lines)?;
        let mut words = vec!["septet".into(), "scan".into(), "--rules".into(), rule.into_os_string()];
        words.extend(options.iter().map(Into::into));
        words.push(events.into_os_string());
        run(Cli::parse_from(words).command)
    }

    #[test]
    fn the_exit_code_says_whether_something_was_found() {
        let hit = "{\"Image\": \"C:\\\\whoami.exe\", \"_category\": \"process_creation\"}\n";
        assert_eq!(scan(hit, &[]).unwrap(), ExitCode::from(3));
        assert_eq!(scan(hit, &["--min-level", "high"]).unwrap(), ExitCode::SUCCESS);
        assert_eq!(scan("\n{\"Image\": \"other.exe\"}\n", &["--any-log"]).unwrap(), ExitCode::SUCCESS);
        let untold = "{\"Image\": \"whoami.exe\"}";
        assert_eq!(scan(untold, &[]).unwrap(), ExitCode::SUCCESS);
        assert_eq!(scan(untold, &["--category", "process_creation", "--json"]).unwrap(), ExitCode::from(3));
        assert_eq!(scan(untold, &["--any-log"]).unwrap(), ExitCode::from(3));
        let wrong = scan("{}\n{\"secret", &[]).unwrap_err().to_string();
        assert!(wrong.contains("events.jsonl:2") && !wrong.contains("secret"), "{wrong}");
    }
}

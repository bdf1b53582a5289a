//! `septet pipeline`: a pipeline in this process, without a server.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use septet_chassis::cli::print;
use septet_pipeline::{
    Isolation, ProcessConfig,
    definition::{MAX_DEFINITION, Pipeline},
    local::{self, Allowed, Ended, Step},
};
use septet_proto_pipeline::v1::RunState;
use serde_json::{Map, Value, json};

use crate::text::fit;

/// The exit code of a run that failed.
const FAILED: u8 = 3;
/// Columns of a reason.
const REASON: usize = 80;

/// Runs pipelines
#[derive(Subcommand)]
pub enum PipelineCommand {
    /// Run a pipeline here, in memory, and show its steps as they go
    ///
    /// The file is checked as a whole before anything runs. Exit codes: 0 the run succeeded, 1 the file or an input is wrong,
    /// 3 the run failed. Tasks that need the services (`grpc`, `wait.event`, `process.checkout`) are refused.
    Run(RunArgs),
}

/// Arguments of `septet pipeline run`.
#[derive(Args)]
pub struct RunArgs {
    /// The definition in YAML
    file: PathBuf,
    /// An input of the run: JSON, or else a text
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Let `process` tasks start the programs that the file names
    #[arg(long)]
    allow_process: bool,
    /// Do not keep programs apart from this machine: the network and other processes are there
    #[arg(long, requires = "allow_process")]
    no_isolation: bool,
    /// Let `http` tasks reach addresses that are not of the public internet, such as localhost
    #[arg(long)]
    allow_private: bool,
    /// Only check the file
    #[arg(long)]
    check: bool,
    /// Print one JSON document at the end: name, state, reason, and steps with name, kind, state, reason, attempts, outputs,
    /// log and seconds
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// One line that names what is wrong with the file or an input.
pub async fn run(command: PipelineCommand) -> anyhow::Result<ExitCode> {
    let PipelineCommand::Run(args) = command;
    let pipeline = read(&args.file)?;
    local::check(&pipeline).with_context(|| args.file.display().to_string())?;
    let name = pipeline.name.clone();
    if args.check {
        let tasks = pipeline.tasks.len();
        print(&if args.json {
            format!("{}\n", json!({ "name": name, "tasks": tasks }))
        } else {
            format!("{name}: {tasks} tasks, nothing wrong\n")
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let isolation = if args.no_isolation { Isolation::None } else { Isolation::Namespaces };
    let processes = args.allow_process.then(|| ProcessConfig {
        enabled: true,
        isolation,
        network: args.no_isolation,
        path: std::env::var("PATH").unwrap_or_else(|_| ProcessConfig::default().path),
        ..ProcessConfig::default()
    });
    let allowed = Allowed { private_addresses: args.allow_private, processes };
    let table = Table::new(&pipeline, !args.json && std::io::stderr().is_terminal());
    let ended = local::run(pipeline, inputs(&args.inputs)?, allowed, |steps| table.show(steps)).await?;
    table.clear();
    print(&if args.json { document(&name, &ended) } else { readable(&name, &ended) })?;
    Ok(if ended.state == RunState::Failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn read(file: &Path) -> anyhow::Result<Pipeline> {
    let named = || file.display().to_string();
    let size = fs::metadata(file).with_context(named)?.len();
    if size > MAX_DEFINITION as u64 {
        bail!("{} is larger than {MAX_DEFINITION} bytes", file.display());
    }
    Pipeline::parse(&fs::read_to_string(file).with_context(named)?).with_context(named)
}

fn inputs(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut inputs = Map::new();
    for input in given {
        let (name, value) =
            input.split_once('=').with_context(|| format!("--input {input}: write NAME=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        inputs.insert(name.to_owned(), value);
    }
    Ok(inputs)
}

/// The steps as they go, on a terminal.
struct Table {
    _all: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Table {
    fn new(pipeline: &Pipeline, is_shown: bool) -> Self {
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        let width = pipeline.tasks.iter().map(|task| task.name.len()).max().unwrap_or(0);
        let style = ProgressStyle::with_template(&format!("{{prefix:{width}}}  {{msg}}"))
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let lines = pipeline.tasks.iter().map(|task| {
            let line = all.add(ProgressBar::new_spinner().with_style(style.clone()));
            line.set_prefix(task.name.clone());
            line
        });
        let lines = lines.collect();
        Self { _all: all, lines }
    }

    fn show(&self, steps: &[Step]) {
        for (line, step) in self.lines.iter().zip(steps) {
            line.set_message(format!("{:9} {}", step.word(), fit(&step.reason, REASON)));
        }
    }

    fn clear(&self) {
        self.lines.iter().for_each(ProgressBar::finish_and_clear);
        // Whatever is left of it stands above what is printed next.
        let _ = std::io::stderr().flush();
    }
}

fn readable(name: &str, ended: &Ended) -> String {
    let width = ended.steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for step in &ended.steps {
        let took = step.took.map_or_else(String::new, seconds);
        let again = if step.attempts > 1 { format!("{} attempts  ", step.attempts) } else { String::new() };
        let line = format!(
            "{:width$}  {:9}  {:9}  {took:>8}  {again}{}",
            step.name,
            step.kind,
            step.word(),
            fit(&step.reason, REASON)
        );
        text.push_str(line.trim_end());
        text.push('\n');
        if step.state == RunState::Failed {
            step.log.lines().for_each(|line| text.push_str(&format!("    {}\n", fit(line, 200))));
        }
    }
    let state = match ended.state {
        RunState::Succeeded => "succeeded",
        RunState::Skipped => "skipped",
        _ => "FAILED",
    };
    text.push_str(&format!("{name} {state}: {}\n", ended.reason));
    text
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn document(name: &str, ended: &Ended) -> String {
    let steps: Vec<Value> = ended
        .steps
        .iter()
        .map(|step| {
            json!({
                "name": step.name, "kind": step.kind, "state": step.word(), "reason": step.reason,
                "attempts": step.attempts, "outputs": step.outputs, "log": step.log,
                "seconds": step.took.map(|took| took.as_secs_f64()),
            })
        })
        .collect();
    let state = match ended.state {
        RunState::Succeeded => "succeeded",
        RunState::Skipped => "skipped",
        _ => "failed",
    };
    let document = json!({ "name": name, "state": state, "reason": ended.reason, "steps": steps });
    format!("{document:#}\n")
}

//! `septet up`: everything on the embedded default, and the main job on git repositories.

mod json;
mod repositories;
mod row;
mod since;
mod summary;
mod table;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use septet_chassis::{
    Channel, Mode, Observer, ProcessConfig, Signals, Started,
    cli::{block_on, start_telemetry},
};
use tokio_util::sync::CancellationToken;

use crate::{cli::Global, connect::source, console, suite};
use repositories::Watched;
use since::Since;

/// Exit status when a change is blocked.
const EXIT_GATE: u8 = 3;
/// How often to look whether all is done.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Args)]
pub struct UpArgs {
    /// Repository to review and watch: a path or a git URL; may be repeated
    #[arg(long = "repo", value_name = "PATH")]
    repos: Vec<String>,
    /// Where to begin in the repositories' history: after a commit, at a date (2026-01-31 or RFC 3339), or `all`
    /// [default: the last 200 commits]
    #[arg(long, value_name = "COMMIT|DATE|all", requires = "repos")]
    since: Option<Since>,
    /// End when all is done: exit status 0, or 3 when a change is blocked
    #[arg(long)]
    once: bool,
    /// Print each event as one line of CloudEvents JSON instead of the table
    #[arg(long)]
    json: bool,
}

pub fn run(global: &Global, args: UpArgs) -> ExitCode {
    block_on(up(global, args))
}

async fn up(global: &Global, args: UpArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let source = source(global)?;
    let process = suite::process();
    let _telemetry = start_telemetry(&process, &source)?;
    let locations =
        args.repos.iter().map(|repo| repositories::location(repo)).collect::<anyhow::Result<Vec<_>>>()?;

    let mut started = tokio::select! {
        started = process.start(source, Mode::Serve) => started?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    banner(&started, &args);
    let job = Job {
        channel: started.channel(),
        observer: started.observer(),
        printer: args.json.then(|| json::Printer::new(started.log(), started.catalog())),
        finish: CancellationToken::new(),
        args,
    };
    let mut all_done = false;
    let outcome = tokio::select! {
        outcome = job.run(locations) => {
            all_done = outcome.is_ok();
            outcome
        }
        () = signals.next() => Ok(ExitCode::SUCCESS),
        failure = started.failed() => Err(failure),
    };
    let drained = tokio::select! {
        drained = started.drain() => drained,
        () = signals.next() => Err(anyhow::anyhow!("ended by a second signal; what was not finished goes on at the next start")),
    };
    let code = outcome?;
    match drained {
        // All that was asked for is done and durable: the verdict of the gate is what the caller waits for.
        Err(error) if all_done => eprintln_line(&format!("warning: {error:#}")),
        drained => drained?,
    }
    Ok(code)
}

fn banner(started: &Started, args: &UpArgs) {
    if args.once {
        return;
    }
    let config = started.config();
    eprintln_line(&format!(
        "septet is up: gRPC {}, metrics {}/metrics, data {}",
        config.grpc.listen,
        config.admin.url(),
        config.data_dir.display()
    ));
    eprintln_line(&format!("console: {}", console_link(config)));
}

/// The way into the console: a link that signs in where a person reads it, and not where a file of logs keeps it.
fn console_link(config: &ProcessConfig) -> String {
    use std::io::IsTerminal;
    let link = std::io::stderr().is_terminal().then(|| console::sign_in_url(config).ok().flatten()).flatten();
    link.unwrap_or_else(|| format!("{} (`septet console` prints a link that signs in)", config.admin.url()))
}

/// Writes for people, beside what goes to standard output.
fn eprintln_line(text: &str) {
    use std::io::Write;
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What `up` does once the services run.
struct Job {
    channel: Channel,
    observer: Observer,
    printer: Option<json::Printer>,
    /// All that was to be done is done: outputs end when they have shown it.
    finish: CancellationToken,
    args: UpArgs,
}

impl Job {
    async fn run(&self, locations: Vec<String>) -> anyhow::Result<ExitCode> {
        let watched = Watched::register(&self.channel, &locations, self.args.since.as_ref()).await?;
        let output = async {
            match &self.printer {
                Some(printer) => printer.run(&self.finish).await,
                None => table::Table::new(&self.channel, &watched, &self.finish).run().await,
            }
        };
        let watch = async {
            if self.args.once {
                self.wait_until_done(&watched).await?;
                self.finish.cancel();
                Ok(())
            } else {
                std::future::pending().await
            }
        };
        let (output, watch): (anyhow::Result<()>, anyhow::Result<()>) = tokio::join!(output, watch);
        watch?;
        output?;
        let summary = summary::Summary::of(&self.channel, &watched).await?;
        if self.args.json {
            eprintln_line(summary.to_string().trim_end());
        } else {
            septet_chassis::cli::print(&summary.to_string())?;
        }
        if summary.is_incomplete() {
            bail!(
                "not every change was decided; `septet journey COMMIT` shows who has not spoken, `septet dlq list` what could not be handled"
            );
        }
        Ok(if summary.blocked() > 0 { ExitCode::from(EXIT_GATE) } else { ExitCode::SUCCESS })
    }

    /// Until every repository is imported and nothing is left to handle, to work on or to send.
    async fn wait_until_done(&self, watched: &Watched) -> anyhow::Result<()> {
        loop {
            if watched.imported(&self.channel).await?
                && self.observer.backlog().await.context("cannot see what is left to do")?.is_some_and(|b| b.is_empty())
                // An import that began between the two looks shows now.
                && watched.imported(&self.channel).await?
            {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

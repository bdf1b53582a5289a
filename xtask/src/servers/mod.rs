//! Real servers for development: `cargo xtask servers`.

mod configuration;
mod databases;
mod found;
mod install;
mod logs;
mod up;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use septet_servers::{Kind, target_dir};

use found::{Found, shown};

#[derive(Args)]
pub(crate) struct ServersArguments {
    #[command(subcommand)]
    task: ServersTask,
    /// Where their data is [default: target/servers].
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum ServersTask {
    /// Starts servers, each on a free port of loopback, and leaves those alone that run or are named by a variable:
    /// SEPTET_TEST_KAFKA_BROKERS, _POSTGRES_URL, _AMQP_URL or _REDIS_URL.
    Up(up::UpArguments),
    /// Ends the servers that `up` started.
    Down {
        #[command(flatten)]
        selection: Selection,
        /// Removes their data, too.
        #[arg(long)]
        wipe: bool,
    },
    /// Tells which servers answer, and where; fails if one is down.
    Status {
        #[command(flatten)]
        selection: Selection,
    },
    /// Shows what a server said.
    Logs {
        /// kafka, postgres, rabbitmq or redis.
        server: Kind,
        /// Goes on until it is interrupted.
        #[arg(long, short)]
        follow: bool,
        /// How many lines to begin with.
        #[arg(long, short = 'n', default_value_t = 100)]
        lines: u32,
    },
}

#[derive(Args)]
struct Selection {
    /// kafka, postgres, rabbitmq or redis [default: all; `status` and `down`: those that `up` ever started].
    #[arg(value_name = "SERVER")]
    servers: Vec<Kind>,
}

impl Selection {
    fn kinds(&self) -> Vec<Kind> {
        if self.servers.is_empty() { Kind::ALL.to_vec() } else { self.servers.clone() }
    }

    /// Those that are named, else those that there is something to say about.
    fn known(&self, base: &Base) -> Vec<Kind> {
        let known: Vec<_> = Kind::ALL.into_iter().filter(|kind| base.knows(*kind)).collect();
        if self.servers.is_empty() && !known.is_empty() { known } else { self.kinds() }
    }
}

pub(crate) fn run(root: &Path, arguments: &ServersArguments) -> Result<()> {
    let dir = arguments.dir.clone().unwrap_or_else(|| target_dir().join("servers"));
    let base = Base(std::path::absolute(&dir).with_context(|| dir.display().to_string())?);
    match &arguments.task {
        ServersTask::Up(arguments) => up::run(root, &base, arguments),
        ServersTask::Down { selection, wipe } => down(&base, &selection.known(&base), *wipe),
        ServersTask::Status { selection } => status(&base, &selection.known(&base)),
        ServersTask::Logs { server, follow, lines } => logs::show(&base, *server, *follow, *lines),
    }
}

/// Where everything is that `up` makes.
struct Base(PathBuf);

impl Base {
    /// Where a server of ours has its data.
    fn server(&self, kind: Kind) -> PathBuf {
        self.0.join(kind.name())
    }

    /// Whether there is something to say about it.
    fn knows(&self, kind: Kind) -> bool {
        kind.named().is_some() || self.server(kind).exists()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn down(base: &Base, kinds: &[Kind], wipe: bool) -> Result<()> {
    // Those that work on others go first.
    for kind in kinds.iter().rev() {
        let state = match Found::of(base, *kind)? {
            Found::Named(_) => "not ours: it stays as it is",
            Found::Ours(mut server) if server.is_running() => {
                server.stop()?;
                "ended"
            }
            Found::Ours(_) => "was down",
        };
        let dir = base.server(*kind);
        if wipe && kind.named().is_none() && dir.exists() {
            std::fs::remove_dir_all(&dir)?;
            println!("{:<9} {state}; its data is removed", kind.name());
        } else {
            println!("{:<9} {state}", kind.name());
        }
    }
    Ok(())
}

fn status(base: &Base, kinds: &[Kind]) -> Result<()> {
    let mut silent = Vec::new();
    for kind in kinds {
        let found = Found::of(base, *kind)?;
        let answers = found.answers();
        let state = match (&found, answers) {
            (Found::Named(_), true) => format!("answers; named by {}", kind.variable()),
            (Found::Named(_), false) => format!("does not answer; named by {}", kind.variable()),
            (Found::Ours(server), answers) => match (server.pid(), answers) {
                (Some(pid), true) => format!("answers; process {pid}"),
                (Some(pid), false) => format!("runs and does not answer; process {pid}"),
                (None, _) => "down".to_owned(),
            },
        };
        println!("{:<9} {:<50} {state}", kind.name(), shown(&found.url()));
        if !answers {
            silent.push(kind.name());
        }
    }
    if !silent.is_empty() {
        bail!("down: {}; `cargo xtask servers up` starts them", silent.join(", "));
    }
    Ok(())
}

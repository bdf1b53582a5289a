use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use septet_chassis::cli::{
    ConfigCommand, KeysCommand, TopicsCommand, WaitArgs, block_on, config_command, finish, keys_command,
    start_telemetry,
};

use crate::{
    call::{self, CallArgs},
    connect::source,
    describe,
    dlq::{self, DlqCommand},
    events::{self, EventsCommand, ReplayArgs},
    suite, topics,
    up::{self, UpArgs},
};

#[derive(Parser)]
#[command(
    version,
    about = "Septet runs the life of software, from a pushed change to a contained incident",
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args, Clone)]
pub struct Global {
    /// Configuration file [default: septet.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory [default: .septet]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A server elsewhere, such as https://review.internal:50054 [default: the one on this data directory]
    #[arg(long, global = true, value_name = "URL", env = "SEPTET_SERVER", requires = "token_file")]
    pub server: Option<String>,
    /// File with the token or API key for --server
    #[arg(long, global = true, value_name = "FILE", env = "SEPTET_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// File with the authorities that may have signed the certificate of --server [default: the system's]
    #[arg(long, global = true, value_name = "FILE", env = "SEPTET_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run all services; with --repo, review repositories and keep watching them
    Up(UpArgs),
    /// Follow events, or publish one as a producer would
    #[command(subcommand)]
    Events(EventsCommand),
    /// List, show, redrive or discard what a service could not take
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Show topics with their lag, or create those that are missing
    Topics {
        #[command(subcommand)]
        command: Option<TopicsCommand>,
    },
    /// Call any RPC with JSON
    Call(CallArgs),
    /// What each service consumes, publishes and serves, and its configuration
    Describe {
        /// Only this service
        service: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Handle kept events of a topic again
    Replay(ReplayArgs),
    /// Show or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Bring the schema of every service's database up to date and end; embedded ones do so by themselves
    Migrate(WaitArgs),
    /// Make API keys
    #[command(subcommand)]
    Keys(KeysCommand),
}

async fn migrate(global: Global, wait: WaitArgs) -> anyhow::Result<()> {
    let source = source(&global)?;
    let process = suite::process();
    let _telemetry = start_telemetry(&process, &source)?;
    process.migrate(&source, wait.limit()).await
}

pub fn run() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    match command {
        Command::Up(args) => up::run(&global, args),
        Command::Events(command) => block_on(events::run(global, command)),
        Command::Dlq(command) => block_on(dlq::run(global, command)),
        Command::Topics { command } => block_on(topics::run(global, command)),
        Command::Call(args) => block_on(call::run(global, args)),
        Command::Describe { service, json } => block_on(describe::run(global, service, json)),
        Command::Replay(args) => block_on(events::replay(global, args)),
        Command::Config(command) => {
            finish((|| config_command(&suite::process(), &source(&global)?, &command))())
        }
        Command::Migrate(wait) => block_on(migrate(global, wait)),
        Command::Keys(command) => finish(keys_command(&command)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

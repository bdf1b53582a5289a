use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use septet_chassis::cli::{
    ConfigCommand, KeysCommand, TopicsCommand, WaitArgs, block_on, config_command, finish, keys_command,
    start_telemetry,
};

use crate::{
    call::{self, CallArgs},
    connect::source,
    console,
    describe::{self, DescribeArgs},
    dlq::{self, DlqCommand},
    events::{self, EventsCommand, ReplayArgs},
    journey::{self, JourneyArgs},
    oneshot::{
        cost::{self, CostCommand},
        cx::{self, CxCommand},
        devops::{self, DevopsCommand},
        docs::{self, DocsCommand},
        pipeline::{self, PipelineCommand},
        review::{self, ReviewCommand},
        soc::{self, SocCommand},
    },
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
    /// Tell what a directory is built with, or write its pipeline; needs no server
    #[command(subcommand)]
    Devops(DevopsCommand),
    /// List a public API, or compare two commits'; needs no server
    #[command(subcommand)]
    Docs(DocsCommand),
    /// Look for secrets in files or a diff; needs no server
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Check charges, or price what a directory deploys; needs no server
    #[command(subcommand)]
    Cost(CostCommand),
    /// Run a pipeline's file here; needs no server
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Evaluate feature flags; needs no server
    #[command(subcommand)]
    Cx(CxCommand),
    /// Hold events against detection rules; needs no server
    #[command(subcommand)]
    Soc(SocCommand),
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
    Describe(DescribeArgs),
    /// One change's way through the services, as a tree
    Journey(JourneyArgs),
    /// Print a link that signs in to the console of the suite that runs, once
    Console,
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
        Command::Devops(command) => finish(devops::run(command)),
        Command::Docs(command) => finish(docs::run(command)),
        Command::Review(command) => finish(review::run(&command)),
        Command::Cost(command) => finish(cost::run(command)),
        Command::Pipeline(command) => block_on(pipeline::run(command)),
        Command::Cx(command) => finish(cx::run(command)),
        Command::Soc(command) => finish(soc::run(command)),
        Command::Events(command) => block_on(events::run(global, command)),
        Command::Dlq(command) => block_on(dlq::run(global, command)),
        Command::Topics { command } => block_on(topics::run(global, command)),
        Command::Call(args) => block_on(call::run(global, args)),
        Command::Describe(args) => block_on(describe::run(global, args)),
        Command::Journey(args) => block_on(journey::run(global, args)),
        Command::Console => finish(console::run(&global)),
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

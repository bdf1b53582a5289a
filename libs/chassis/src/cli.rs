//! The command line of a service's own binary.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{ExitCode, Termination},
    time::Duration,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    ConfigError, Mode, Process, ProcessConfig, SERVICES, Service, Signals, auth::new_api_key, config::Source,
};

pub use septet_telemetry::Guard as Telemetry;

/// Exit status for a wrong configuration, as sysexits.h has `EX_USAGE`.
const EXIT_CONFIG: u8 = 64;

#[derive(Parser)]
#[command(version, about = "One service of Septet", arg_required_else_help = true)]
struct Cli {
    /// Configuration file [default: septet.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service until it is told to end
    Serve,
    /// Bring the database's schema up to date and end
    Migrate(WaitArgs),
    /// Create topics on the log, without a running service
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Show or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make API keys
    #[command(subcommand)]
    Keys(KeysCommand),
}

/// How long a command waits for a server that is away.
#[derive(Args, Clone, Copy)]
pub struct WaitArgs {
    /// Seconds to wait for a server that is away
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait_secs: u64,
}

impl WaitArgs {
    /// The same as a duration.
    pub fn limit(self) -> Duration {
        Duration::from_secs(self.wait_secs)
    }
}

/// What `topics` can do.
#[derive(Subcommand)]
pub enum TopicsCommand {
    /// Create the topics of the contracts that are missing, and widen those with too few partitions
    Apply(WaitArgs),
}

/// What `config` can do.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, where it was set, and no secret
    Print,
    /// Check every setting; exit status 64 and the offending key if one is wrong
    Check,
}

/// What `keys` can do.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// Make an API key: the key goes to standard output, the entry for `auth.api_keys.file` to standard error
    New {
        /// Who will use it
        #[arg(long)]
        subject: String,
        /// Role that it grants; may be repeated
        #[arg(long = "role", required = true, value_parser = ["viewer", "developer", "operator", "admin", "service"])]
        roles: Vec<String>,
    },
}

/// Runs the binary of one service.
pub fn run<S: Send + Sync + 'static>(service: Service<S>) -> ExitCode {
    let cli = Cli::parse();
    let name = service.name();
    let port = SERVICES.iter().find(|(service, _)| *service == name).map_or(0, |(_, port)| *port);
    let admin_port = if port == 0 { 0 } else { port + 1_000 };
    let process = Process::new(name, ProcessConfig::defaults(port, admin_port, false)).with(service);
    let config = cli.config.as_deref();
    match cli.command {
        Command::Serve => block_on(serve(process, config)),
        Command::Migrate(wait) => block_on(async {
            let source = process.source(config)?;
            let _telemetry = start_telemetry(&process, &source)?;
            process.migrate(&source, wait.limit()).await
        }),
        Command::Topics(TopicsCommand::Apply(wait)) => block_on(async {
            let source = process.source(config)?;
            let _telemetry = start_telemetry(&process, &source)?;
            let applied = process.apply_topics(&source, wait.limit()).await?;
            print(&topics_applied(&applied.created, &applied.widened))
        }),
        Command::Config(command) => finish((|| {
            let source = process.source(config)?;
            config_command(&process, &source, &command)
        })()),
        Command::Keys(command) => finish(keys_command(&command)),
    }
}

async fn serve(process: Process, config: Option<&Path>) -> anyhow::Result<()> {
    let mut signals = Signals::catch()?;
    let source = process.source(config)?;
    let _telemetry = start_telemetry(&process, &source)?;
    let mut started = tokio::select! {
        started = process.start(source, Mode::Serve) => started?,
        // Nothing was taken in yet: whatever it waited for need not come.
        () = signals.next() => return Ok(()),
    };
    tracing::info!(grpc = %started.config().grpc.listen, admin = %started.config().admin.listen, "ready");
    let failure = tokio::select! {
        () = signals.next() => None,
        failure = started.failed() => Some(failure),
    };
    tracing::info!("draining");
    let drained = tokio::select! {
        drained = started.drain() => drained,
        () = signals.next() => Err(anyhow::anyhow!("ended by a second signal; what was not finished comes again")),
    };
    failure.map_or(drained, Err)
}

/// Starts logs and traces as configured.
///
/// # Errors
/// One line that names the setting.
pub fn start_telemetry(process: &Process, source: &Source) -> anyhow::Result<Telemetry> {
    let config = source.process()?;
    let instance = uuid::Uuid::now_v7().to_string();
    Ok(septet_telemetry::init(&config.telemetry, process.name(), env!("CARGO_PKG_VERSION"), &instance)?)
}

/// What was done to topics, for people.
pub fn topics_applied(created: &[String], widened: &[String]) -> String {
    let created = created.iter().map(|topic| format!("created {topic}\n"));
    let widened = widened.iter().map(|topic| format!("widened {topic}\n"));
    let text: String = created.chain(widened).collect();
    if text.is_empty() { "every topic is there\n".to_owned() } else { text }
}

/// Shows or checks the configuration.
///
/// # Errors
/// The offending key.
pub fn config_command(process: &Process, source: &Source, command: &ConfigCommand) -> anyhow::Result<()> {
    process.check(source)?;
    match command {
        ConfigCommand::Print => print(&source.print(&process.services())),
        ConfigCommand::Check => print("the configuration is good\n"),
    }
}

/// Makes an API key.
///
/// # Errors
/// Standard output is closed.
pub fn keys_command(command: &KeysCommand) -> anyhow::Result<()> {
    let KeysCommand::New { subject, roles } = command;
    let (key, entry) = new_api_key(subject, roles);
    write!(std::io::stderr(), "# Put this into the file that auth.api_keys.file names:\n{entry}")?;
    print(&format!("{key}\n"))
}

/// Runs a future on a runtime of its own; an error is one line on standard error.
pub fn block_on<T: Termination>(work: impl Future<Output = anyhow::Result<T>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(work);
            // A blocking read of a git repository or the like must not hold the process up.
            runtime.shutdown_background();
            finish(result)
        }
        Err(error) => finish::<()>(Err(anyhow::anyhow!("cannot start: {error}"))),
    }
}

/// The exit status of a command; an error is one line on standard error.
pub fn finish<T: Termination>(result: anyhow::Result<T>) -> ExitCode {
    let error = match result {
        Ok(value) => return value.report(),
        Err(error) => error,
    };
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    if error.downcast_ref::<ConfigError>().is_some() {
        ExitCode::from(EXIT_CONFIG)
    } else {
        ExitCode::FAILURE
    }
}

/// Writes to standard output.
///
/// # Errors
/// Standard output is closed.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

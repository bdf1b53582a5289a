use std::time::Duration;

use anyhow::Context;
use septet_chassis::{
    Channel, ChannelBuilder, ClientTls, ConfigError, LocalServer, Mode, Source, Started,
    cli::{Telemetry, start_telemetry},
};
use tempfile::TempDir;

use crate::{cli::Global, suite};

/// How long a command waits for an answer of a server elsewhere.
const PATIENCE: Duration = Duration::from_secs(35);

/// The way to the services: a server elsewhere, a server that runs on this data directory, or, where none runs, the services in this
/// process for as long as the command takes.
pub struct Connection {
    pub channel: Channel,
    local: Option<Started>,
    _telemetry: Telemetry,
    /// A data directory for this command alone.
    _passing: Option<TempDir>,
}

impl Connection {
    /// Finds the server, or opens the data directory.
    ///
    /// # Errors
    /// One line that names the thing and the way out.
    pub async fn open(global: &Global) -> anyhow::Result<Self> {
        Self::with(global, None).await
    }

    /// The same for what needs no data: without a server and a data directory, an empty one is made for as long as it takes.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open_anywhere(global: &Global) -> anyhow::Result<Self> {
        let exists = global.server.is_some() || source(global)?.process()?.data_dir.exists();
        match exists {
            true => Self::open(global).await,
            false => {
                Self::with(global, Some(tempfile::tempdir().context("a directory for the time being")?)).await
            }
        }
    }

    async fn with(global: &Global, passing: Option<TempDir>) -> anyhow::Result<Self> {
        let source = source(global)?;
        let source = match &passing {
            Some(directory) => source.with_option("--data", "data_dir", directory.path()),
            None => source,
        };
        let config = source.process()?;
        let process = suite::process();
        let telemetry = start_telemetry(&process, &source)?;
        let elsewhere = match &global.server {
            Some(url) => Some(elsewhere(url, global)?),
            None => LocalServer::find(&config.data_dir, &config.clients.tls)?,
        };
        if let Some(server) = elsewhere {
            let channel = server.contracts(&process.catalog()).build()?;
            return Ok(Self { channel, local: None, _telemetry: telemetry, _passing: passing });
        }
        if !config.data_dir.exists() {
            anyhow::bail!(
                "there is no data directory {}, and no server runs on it; start one with `septet up`, or name another with --data",
                config.data_dir.display()
            );
        }
        let started = process.start(source, Mode::Local).await?;
        let channel = started.channel();
        Ok(Self { channel, local: Some(started), _telemetry: telemetry, _passing: passing })
    }

    /// Lets go of the data directory.
    ///
    /// # Errors
    /// The files could not be closed in time.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.local {
            Some(started) => started.drain().await,
            None => Ok(()),
        }
    }
}

/// The way to a server that the options name.
fn elsewhere(url: &str, global: &Global) -> anyhow::Result<ChannelBuilder> {
    let path = global.token_file.as_ref().context("--server needs --token-file")?;
    let token = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the token from {}", path.display()))?;
    let tls = ClientTls { ca_file: global.ca_file.clone(), ..ClientTls::default() };
    Ok(ChannelBuilder::new(url).token(token.trim())?.tls(tls).timeout(PATIENCE))
}

/// The configuration with what the options say.
///
/// # Errors
/// [`ConfigError`] if the file cannot be read.
pub fn source(global: &Global) -> Result<Source, ConfigError> {
    let source = suite::process().source(global.config.as_deref())?;
    Ok(match &global.data {
        Some(data) => source.with_option("--data", "data_dir", data),
        None => source,
    })
}

/// One line for people from a gRPC status.
pub fn told(status: &tonic::Status) -> anyhow::Error {
    use std::error::Error;
    // A server that went away says so in the source, not in the status.
    let cause =
        status.source().and_then(Error::source).map(|cause| format!(" ({cause})")).unwrap_or_default();
    anyhow::anyhow!("{}{cause}", status.message())
}

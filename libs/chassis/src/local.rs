use std::{fs, path::Path, time::Duration};

use anyhow::Context;

use crate::{ChannelBuilder, ClientTls, ProcessConfig, auth::read_local_token, data_dir::data_dir_in_use};

/// Name of the file in the data directory that says where its server listens.
const ADDRESS_FILE: &str = "address";
/// How long a command waits for an answer: a little longer than a server works on one by default, so that the server's
/// own word comes first.
const PATIENCE: Duration = Duration::from_secs(35);

/// The server that holds a data directory on this machine.
pub struct LocalServer;

impl LocalServer {
    /// The way to the server that holds this data directory, with its local token; `None` if none does. A server with TLS
    /// is known by `tls`.
    ///
    /// # Errors
    /// One line that names the file that cannot be read.
    pub fn find(data_dir: &Path, tls: &ClientTls) -> anyhow::Result<Option<ChannelBuilder>> {
        if !data_dir_in_use(data_dir) {
            return Ok(None);
        }
        let path = data_dir.join(ADDRESS_FILE);
        let address = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; is the server still starting?", path.display()))?;
        let address = address.trim();
        let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let channel = ChannelBuilder::new(&url).token(&read_local_token(data_dir)?)?;
        Ok(Some(channel.tls(tls.clone()).timeout(PATIENCE)))
    }

    /// Takes back what an earlier server left word of: another program may listen there now.
    pub(crate) fn forget(data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join(ADDRESS_FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Leaves word of where the server listens.
    pub(crate) fn announce(config: &ProcessConfig) -> anyhow::Result<()> {
        let path = config.data_dir.join(ADDRESS_FILE);
        let scheme = if config.grpc.tls.is_some() { "https://" } else { "" };
        fs::write(&path, format!("{scheme}{}", config.grpc.listen))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

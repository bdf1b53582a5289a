use std::{fs, path::Path, time::Duration};

use anyhow::Context;

use crate::{ChannelBuilder, ClientTls, ProcessConfig, auth::read_local_token, data_dir::data_dir_in_use};

/// Name of the file in the data directory that says where its server listens.
const ADDRESS_FILE: &str = "address";
/// The same for its HTTP listener, as a URL.
const HTTP_FILE: &str = "http";
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

    /// The URL of the HTTP listener of the server that holds this data directory, without a slash at its end; `None` if
    /// none does.
    ///
    /// # Errors
    /// One line that names the file that cannot be read.
    pub fn http(data_dir: &Path) -> anyhow::Result<Option<String>> {
        if !data_dir_in_use(data_dir) {
            return Ok(None);
        }
        let path = data_dir.join(HTTP_FILE);
        let url = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; is the server still starting?", path.display()))?;
        Ok(Some(url.trim().to_owned()))
    }

    /// The token of the server that holds this data directory: whoever can read it may call everything.
    ///
    /// # Errors
    /// One line that names the file that cannot be read.
    pub fn token(data_dir: &Path) -> anyhow::Result<String> {
        read_local_token(data_dir)
    }

    /// Takes back what an earlier server left word of: another program may listen there now.
    pub(crate) fn forget(data_dir: &Path) -> anyhow::Result<()> {
        for file in [ADDRESS_FILE, HTTP_FILE] {
            let path = data_dir.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Leaves word of where the server listens.
    pub(crate) fn announce(config: &ProcessConfig) -> anyhow::Result<()> {
        let scheme = if config.grpc.tls.is_some() { "https://" } else { "" };
        let written =
            [(ADDRESS_FILE, format!("{scheme}{}", config.grpc.listen)), (HTTP_FILE, config.admin.url())];
        for (file, word) in written {
            let path = config.data_dir.join(file);
            fs::write(&path, word).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

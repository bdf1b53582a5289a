use std::{fs, net::SocketAddr, path::Path};

use anyhow::Context;

use crate::{Channel, auth::read_local_token, client::remote, data_dir::data_dir_in_use};

/// Name of the file in the data directory that says where its server listens.
const ADDRESS_FILE: &str = "address";

/// The server that holds a data directory on this machine.
pub struct LocalServer;

impl LocalServer {
    /// The way to the server that holds this data directory, with its local token; `None` if none does.
    ///
    /// # Errors
    /// One line that names the file that cannot be read.
    pub fn find(data_dir: &Path) -> anyhow::Result<Option<Channel>> {
        if !data_dir_in_use(data_dir) {
            return Ok(None);
        }
        let path = data_dir.join(ADDRESS_FILE);
        let address = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; is the server still starting?", path.display()))?;
        remote(&format!("http://{}", address.trim()), &read_local_token(data_dir)?).map(Some)
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
    pub(crate) fn announce(data_dir: &Path, address: SocketAddr) -> anyhow::Result<()> {
        let path = data_dir.join(ADDRESS_FILE);
        fs::write(&path, address.to_string()).with_context(|| format!("cannot write {}", path.display()))
    }
}

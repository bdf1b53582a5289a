use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use subtle::ConstantTimeEq;

use super::{ADMIN, Identity};

/// Name of the token's file in the data directory.
const LOCAL_TOKEN_FILE: &str = "token";

/// The token by which commands on this machine reach a server that the same user started.
pub(super) struct LocalToken {
    token: String,
}

impl LocalToken {
    /// Makes a new token and writes it where only this user can read it.
    pub fn mint(data_dir: &Path) -> anyhow::Result<Self> {
        let mut random = [0; 32];
        rand::rng().fill_bytes(&mut random);
        let token = format!("local_{}", URL_SAFE_NO_PAD.encode(random));
        let path = data_dir.join(LOCAL_TOKEN_FILE);
        let written = || {
            // A new file, so that the mode holds from the first byte.
            let draft = path.with_extension("new");
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            private_file(&draft)?.write_all(token.as_bytes())?;
            fs::rename(&draft, &path)
        };
        written().with_context(|| format!("cannot write the local token to {}", path.display()))?;
        Ok(Self { token })
    }

    pub fn identify(&self, credential: &str) -> Option<Identity> {
        let same: bool = self.token.as_bytes().ct_eq(credential.as_bytes()).into();
        same.then(|| Identity::new("local", [ADMIN]))
    }
}

#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// The local token in a data directory.
///
/// # Errors
/// One line that names the file.
pub fn read_local_token(data_dir: &Path) -> anyhow::Result<String> {
    let path: PathBuf = data_dir.join(LOCAL_TOKEN_FILE);
    let token = fs::read_to_string(&path).with_context(|| {
        format!("cannot read the local token {}; is this the server's --data?", path.display())
    })?;
    Ok(token.trim().to_owned())
}

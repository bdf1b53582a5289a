use std::{fs, path::Path};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Identity;

/// How every API key begins, so that scanners know one when they see it.
pub(super) const PREFIX: &str = "septet_";

/// The API keys that are accepted; of each only the hash is known.
pub(super) struct ApiKeys {
    keys: Vec<(String, Identity)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    subject: String,
    roles: Vec<String>,
    sha256: String,
}

impl ApiKeys {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read auth.api_keys.file {}", path.display()))?;
        // Only the message: an excerpt could show a key that was pasted by mistake.
        let file: File = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("auth.api_keys.file {}: {}", path.display(), error.message()))?;
        let mut keys = Vec::new();
        for entry in file.key {
            if entry.sha256.len() != 64 || !entry.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                bail!(
                    "auth.api_keys.file {}: `sha256` of {:?} must be 64 hexadecimal digits; make an entry with `keys new`",
                    path.display(),
                    entry.subject
                );
            }
            keys.push((entry.sha256.to_ascii_lowercase(), Identity::new(&entry.subject, entry.roles)));
        }
        Ok(Self { keys })
    }

    pub fn identify(&self, key: &str) -> Option<Identity> {
        let hash = hash(key);
        // Keys are long and random, so a plain hash keeps them; the comparison gives nothing away either.
        self.keys
            .iter()
            .find(|(known, _)| known.as_bytes().ct_eq(hash.as_bytes()).into())
            .map(|(_, who)| who.clone())
    }
}

/// A new API key, and the entry to put into `auth.api_keys.file`. The key is kept nowhere.
pub fn new_api_key(subject: &str, roles: &[String]) -> (String, String) {
    let mut random = [0; 32];
    rand::rng().fill_bytes(&mut random);
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let entry = format!("[[key]]\nsubject = {subject:?}\nroles = {roles:?}\nsha256 = \"{}\"\n", hash(&key));
    (key, entry)
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

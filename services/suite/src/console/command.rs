//! `septet console`: the way into the console of a suite that runs.

use anyhow::{Context, bail};
use rand::RngCore;
use septet_chassis::{LocalServer, ProcessConfig, cli::print};

use super::{access::now, code};
use crate::{cli::Global, connect::source};

/// Prints a URL that signs in.
///
/// # Errors
/// No suite runs on the data directory, or its token cannot be read.
pub fn run(global: &Global) -> anyhow::Result<()> {
    let config = source(global)?.process()?;
    let Some(url) = LocalServer::http(&config.data_dir)? else {
        bail!(
            "no server runs on {}; start one with `septet up`, or name another with --data",
            config.data_dir.display()
        );
    };
    print(&format!("{}\n", with_code(&url, &config)?))
}

/// A URL that signs in once, within ten minutes, to the suite that runs with this configuration; `None` if the configuration lets
/// nobody sign in.
///
/// # Errors
/// The local token cannot be read.
pub fn sign_in_url(config: &ProcessConfig) -> anyhow::Result<Option<String>> {
    config.auth.local_token.then(|| with_code(&config.admin.url(), config)).transpose()
}

fn with_code(url: &str, config: &ProcessConfig) -> anyhow::Result<String> {
    let token = LocalServer::token(&config.data_dir)
        .context("the console takes a local token; set `auth.local_token = true`")?;
    let mut nonce = code::Nonce::default();
    rand::rng().fill_bytes(&mut nonce);
    Ok(format!("{url}/sign-in?code={}", code::mint(&token, now(), nonce)))
}

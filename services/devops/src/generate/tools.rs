//! What a job's toolchain asks of a platform: settings, cache, and how it is got.

use std::collections::BTreeMap;

use super::pipeline::{Job, Tools};
use crate::stack::{Rules, Toolchain};

/// Folder of caches, below the repository's.
const CACHES: &str = ".cache";

/// A job's toolchain, where its stack has one.
pub(super) fn toolchain<'a>(job: &Job, rules: &'a Rules) -> Option<(&'a Toolchain, Option<String>)> {
    let Tools { stack, manager, version } = job.tools.as_ref()?;
    Some((rules.toolchain(stack, manager.as_deref())?, version.clone()))
}

/// A text with the version in it.
pub(super) fn versioned(text: &str, version: &str) -> String {
    text.replace("{version}", version)
}

/// Where a cache is, from the repository's folder.
pub(super) fn cache_folder(toolchain: &Toolchain) -> Option<String> {
    toolchain.cache.as_ref().map(|cache| format!("{CACHES}/{}", cache.folder))
}

/// Settings of a job's steps: its toolchain's, where its cache is below `base`, and where its servers are.
pub(super) fn settings(
    job: &Job,
    rules: &Rules,
    base: &str,
    host: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    if let Some((toolchain, _)) = toolchain(job, rules) {
        env.extend(toolchain.env.clone());
        if let (Some(cache), Some(folder)) = (&toolchain.cache, cache_folder(toolchain)) {
            env.insert(cache.env.clone(), cache.value.replace("{folder}", &format!("{base}/{folder}")));
        }
    }
    for server in &job.servers {
        let at = |value: &String| placed(value, &host(&server.name), server.port);
        env.extend(server.exports.iter().map(|(name, value)| (name.clone(), at(value))));
    }
    env
}

/// A value of a server's with its place in it.
pub(super) fn placed(value: &str, host: &str, port: u16) -> String {
    value.replace("{host}", host).replace("{port}", &port.to_string())
}

/// How `septet` is got: a program that the administrator names with its digest, so that nothing else is run.
pub(super) fn get_septet(folder: &str) -> String {
    [
        ": \"${SEPTET_URL:?Set the variable SEPTET_URL to where the septet program is, and SEPTET_SHA256 to its digest}\""
            .to_owned(),
        format!("mkdir -p \"{folder}\""),
        format!("curl --fail --silent --show-error --location --proto =https --retry 3 --output \"{folder}/septet\" \"$SEPTET_URL\""),
        format!("echo \"$SEPTET_SHA256  {folder}/septet\" | sha256sum --check --strict"),
        format!("chmod +x \"{folder}/septet\""),
    ]
    .join("\n")
}

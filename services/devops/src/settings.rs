//! `.septet.toml` at the root of a repository: what it asks of Septet.
//!
//! ```toml
//! [pipeline]
//! run_tests = true
//!
//! [release]
//! flags = ["checkout"]
//! ```

use std::collections::BTreeSet;

use septet_proto_devops::v1::RepositorySettings;
use serde::Deserialize;

/// Its name.
pub const FILE: &str = ".septet.toml";
/// Bytes of it at most.
pub const BYTES: u64 = 64 << 10;
/// Flags that it may name: as many as cx answers for at a time.
const FLAGS: usize = 100;
/// Characters of a flag's key at most.
const FLAG_CHARS: usize = 128;
/// Characters of an error that are kept.
const ERROR_CHARS: usize = 300;

// Other sections are those of other versions.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    pipeline: Pipeline,
    release: Release,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pipeline {
    run_tests: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Release {
    flags: Vec<String>,
}

/// The settings that a file's content gives. One that cannot be read gives those that say why, and ask for nothing.
pub fn parse(content: &[u8]) -> RepositorySettings {
    read(content).unwrap_or_else(|error| unreadable(&error))
}

/// Settings that say why there are none.
pub fn unreadable(error: &str) -> RepositorySettings {
    let line = error.split_whitespace().collect::<Vec<_>>().join(" ");
    RepositorySettings { error: line.chars().take(ERROR_CHARS).collect(), ..RepositorySettings::default() }
}

fn read(content: &[u8]) -> Result<RepositorySettings, String> {
    if content.len() as u64 > BYTES {
        return Err(format!("it has more than {BYTES} bytes"));
    }
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    let file: File = toml::from_str(text).map_err(|error| located(text, &error))?;
    let flags = file.release.flags;
    if flags.len() > FLAGS {
        return Err(format!("`release.flags` names more than {FLAGS} flags"));
    }
    for flag in &flags {
        let fits = (1..=FLAG_CHARS).contains(&flag.chars().count()) && !flag.chars().any(char::is_control);
        if !fits {
            return Err(format!(
                "a flag in `release.flags` must have 1 to {FLAG_CHARS} printable characters"
            ));
        }
    }
    // Named twice, it is one flag; sorted, so that the order in the file changes nothing.
    let flags: BTreeSet<String> = flags.into_iter().collect();
    Ok(RepositorySettings {
        run_tests: file.pipeline.run_tests,
        flags: flags.into_iter().collect(),
        error: String::new(),
    })
}

fn located(text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message.to_owned(),
    }
}

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use septet_chassis::Store;

use crate::{
    Config,
    diff::DiffError,
    error::Error,
    policy::{Judgement, Verdict},
    rules::RuleSet,
    scan::{FingerprintKey, Limits, Scan, Scanner},
    store,
};

/// Bytes of a rule file at most.
const MAX_RULES: u64 = 4 << 20;

/// Scans diffs and judges what was found.
pub(crate) struct Reviewer {
    config: Config,
    scanner: Arc<Scanner>,
}

/// What the review of a diff gave.
pub(crate) struct Outcome {
    pub scan: Scan,
    pub judgement: Judgement,
    pub rules_version: String,
}

/// The rules that a configuration names.
pub(crate) fn rules(config: &Config) -> anyhow::Result<RuleSet> {
    let Some(path) = &config.rules_file else { return Ok(RuleSet::builtin()?) };
    let read = || -> anyhow::Result<String> {
        if std::fs::metadata(path)?.len() > MAX_RULES {
            bail!("larger than {MAX_RULES} bytes");
        }
        Ok(std::fs::read_to_string(path)?)
    };
    let text = read().with_context(|| format!("cannot read {}", path.display()))?;
    RuleSet::from_toml(&text).with_context(|| path.display().to_string())
}

impl Reviewer {
    /// Compiles the rules and gets the key of the fingerprints: from its file, or from the database, which is given one at
    /// the first start.
    pub async fn new(config: Config, store: &Store) -> anyhow::Result<Self> {
        let key = match &config.fingerprint_key_file {
            Some(path) => key_from(path)?,
            None => store::fingerprint_key(store).await?,
        };
        let scanner = Scanner::new(rules(&config)?, FingerprintKey::new(key))?;
        Ok(Self { config, scanner: Arc::new(scanner) })
    }

    /// Bytes of a pushed change's diff at most.
    pub fn max_diff_bytes(&self) -> usize {
        self.config.max_diff_bytes
    }

    /// Finds secrets in a diff and judges them.
    ///
    /// # Errors
    /// The diff cannot be read.
    pub async fn review(&self, diff: bytes::Bytes, commit: &str) -> Result<Outcome, Error> {
        let scanner = Arc::clone(&self.scanner);
        let limits = Limits {
            diff: crate::diff::Limits { max_bytes: self.config.max_diff_bytes, ..Default::default() },
            max_findings: self.config.max_findings,
        };
        let commit = (!commit.is_empty()).then(|| commit.to_owned());
        // Searching takes the processor for a while, which the runtime's threads must not wait for.
        let scan: Result<Scan, DiffError> =
            tokio::task::spawn_blocking(move || scanner.scan(&diff, commit.as_deref(), &limits))
                .await
                .map_err(|error| Error::Scan(error.to_string()))?;
        let scan = scan?;
        let judgement = self.config.policy.judge(&scan.findings);
        Ok(Outcome { scan, judgement, rules_version: self.scanner.rules_version().to_owned() })
    }

    /// The outcome for a change that could not be looked at: the gate stays shut.
    pub fn unreadable(&self, why: &str) -> Outcome {
        Outcome {
            scan: Scan::default(),
            judgement: Judgement { verdict: Verdict::Fail, reason: format!("not scanned: {why}") },
            rules_version: self.scanner.rules_version().to_owned(),
        }
    }
}

impl Outcome {
    /// The outcome for a change of which some files could not be looked at: the gate stays shut.
    #[must_use]
    pub fn with_left_out(mut self, files: u32) -> Self {
        if files > 0 {
            let what = if files == 1 { "1 file is" } else { &format!("{files} files are") };
            let reason = format!("not scanned: {what} over the limits of devops; {}", self.judgement.reason);
            self.judgement = Judgement { verdict: Verdict::Fail, reason };
        }
        self
    }
}

fn key_from(path: &Path) -> anyhow::Result<[u8; 32]> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read review.fingerprint_key_file {}", path.display()))?;
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
        anyhow::anyhow!("review.fingerprint_key_file {}: must be 64 hexadecimal digits", path.display())
    })?;
    Ok(key)
}

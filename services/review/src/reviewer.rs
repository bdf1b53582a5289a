use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use septet_chassis::Units;
use tokio::sync::OnceCell;

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
    rules: RuleSet,
    /// Made at first use, since the key may be in the database.
    scanner: OnceCell<Arc<Scanner>>,
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
    pub fn new(config: Config) -> anyhow::Result<Self> {
        Ok(Self { rules: rules(&config)?, config, scanner: OnceCell::new() })
    }

    /// Bytes of a pushed change's diff at most.
    pub fn max_diff_bytes(&self) -> usize {
        self.config.max_diff_bytes
    }

    /// Finds secrets in a diff and judges them.
    ///
    /// # Errors
    /// The diff cannot be read, or the key of the fingerprints cannot be had.
    pub async fn review(&self, units: &Units, diff: bytes::Bytes, commit: &str) -> Result<Outcome, Error> {
        let scanner = Arc::clone(self.scanner.get_or_try_init(|| self.prepare(units)).await?);
        let rules_version = scanner.rules_version().to_owned();
        let limits = Limits {
            diff: crate::diff::Limits { max_bytes: self.config.max_diff_bytes, ..Default::default() },
            max_findings: self.config.max_findings,
        };
        let commit = (!commit.is_empty()).then(|| commit.to_owned());
        // Searching takes the processor for a while, which the runtime's threads must not wait for.
        let scan: Result<Scan, DiffError> =
            tokio::task::spawn_blocking(move || scanner.scan(&diff, commit.as_deref(), &limits))
                .await
                .map_err(|error| Error::Rules(format!("the scan did not end: {error}")))?;
        let scan = scan?;
        let judgement = self.config.policy.judge(&scan.findings);
        Ok(Outcome { scan, judgement, rules_version })
    }

    /// The outcome for a change that could not be looked at: the gate stays shut.
    pub fn unreadable(&self, why: &str) -> Outcome {
        Outcome {
            scan: Scan::default(),
            judgement: Judgement { verdict: Verdict::Fail, reason: format!("not scanned: {why}") },
            rules_version: self.rules.version().to_owned(),
        }
    }

    async fn prepare(&self, units: &Units) -> Result<Arc<Scanner>, Error> {
        let key = match &self.config.fingerprint_key_file {
            Some(path) => key_from(path).map_err(|error| Error::Rules(format!("{error:#}")))?,
            None => store::fingerprint_key(units.store()).await?,
        };
        let scanner = Scanner::new(self.rules.clone(), FingerprintKey::new(key));
        scanner.map(Arc::new).map_err(|error| Error::Rules(error.to_string()))
    }
}

fn key_from(path: &Path) -> anyhow::Result<[u8; 32]> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read review.fingerprint_key_file {}", path.display()))?;
    let digits = text.trim().as_bytes();
    let mut key = [0; 32];
    let wrong = || format!("review.fingerprint_key_file {}: must be 64 hexadecimal digits", path.display());
    if digits.len() != 64 {
        bail!(wrong());
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).with_context(wrong)?;
        *byte = u8::from_str_radix(pair, 16).with_context(wrong)?;
    }
    Ok(key)
}

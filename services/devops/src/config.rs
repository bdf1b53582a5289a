use std::{path::PathBuf, time::Duration};

use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

use crate::{
    git::{DiffLimits, FetchLimits},
    release::AWAITABLE,
    stack::StackConfig,
};

/// Settings of the devops service, the section `devops` of the configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often the refs of repositories on this machine are looked at, in milliseconds (10 to 3,600,000).
    pub poll_ms: u64,
    /// How often repositories behind a URL are fetched, in seconds (5 to 86,400).
    pub fetch_secs: u64,
    /// Seconds that one fetch may take (1 to 800, as a job has 900 by default).
    pub fetch_timeout_secs: u64,
    /// Bytes that the mirror of one repository may take on disk.
    pub mirror_bytes: u64,
    /// Directories (absolute) below which repositories on this machine may be registered. Empty: none at all.
    pub local_roots: Vec<PathBuf>,
    /// Bytes of one commit's diff; what does not fit is named in the diff instead of shown.
    pub diff_bytes: u64,
    /// Bytes of the largest version of a file that is compared by lines; larger ones count as binary.
    pub blob_bytes: u64,
    /// Renames with changes are looked for while deleted times added files is at most the square of this.
    pub renames: usize,
    /// Commits that are imported in one transaction (1 to 1,000).
    pub import_chunk: usize,
    /// Seconds after which an import lets others have their turn before it goes on (1 to 60).
    pub import_secs: u64,
    /// Calls that read a repository (`GetDiff`, `GetTree`, `GetBlobs` and the like) that are served at a time; more wait
    /// (1 to 256).
    pub readers: usize,
    /// Calls of `WatchChanges` and `WatchJourney` that are served at a time; more are refused (1 to 10,000).
    pub watch_streams: usize,
    /// How releases are decided.
    pub release: ReleaseConfig,
    /// How trees are analysed.
    pub stack: StackConfig,
}

/// How releases are decided, the section `devops.release`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReleaseConfig {
    /// Services whose word a release waits for: `review`, `docs`, `cost`, `soc`. Whoever says no blocks it, waited for or
    /// not.
    pub required: Vec<String>,
    /// How often cx is asked whether a breached guardrail still is, in seconds (1 to 86,400).
    pub recheck_secs: u64,
}

impl Default for ReleaseConfig {
    fn default() -> Self {
        Self { required: ["review", "docs", "cost"].map(str::to_owned).into(), recheck_secs: 60 }
    }
}

impl ReleaseConfig {
    pub(crate) fn recheck(&self) -> Duration {
        Duration::from_secs(self.recheck_secs)
    }
}

impl Default for Config {
    fn default() -> Self {
        let (diff, fetch) = (DiffLimits::default(), FetchLimits::default());
        Self {
            poll_ms: 1_000,
            fetch_secs: 60,
            fetch_timeout_secs: fetch.time.as_secs(),
            mirror_bytes: fetch.mirror_bytes,
            local_roots: vec!["/".into()],
            diff_bytes: diff.diff_bytes,
            blob_bytes: diff.blob_bytes,
            renames: diff.renames,
            import_chunk: 50,
            import_secs: 20,
            readers: 8,
            watch_streams: 256,
            release: ReleaseConfig::default(),
            stack: StackConfig::default(),
        }
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let within = |key: &'static str, value: u64, from: u64, to: u64| match value {
            value if (from..=to).contains(&value) => Ok(()),
            value => Err((key, format!("must be from {from} to {to}, and is {value}"))),
        };
        within("poll_ms", self.poll_ms, 10, 3_600_000)?;
        within("fetch_secs", self.fetch_secs, 5, 86_400)?;
        within("fetch_timeout_secs", self.fetch_timeout_secs, 1, 800)?;
        within("mirror_bytes", self.mirror_bytes, 1 << 20, 1 << 50)?;
        within("diff_bytes", self.diff_bytes, 64 << 10, 1 << 30)?;
        within("blob_bytes", self.blob_bytes, 1 << 10, 64 << 20)?;
        within("renames", self.renames as u64, 0, 10_000)?;
        within("import_chunk", self.import_chunk as u64, 1, 1_000)?;
        within("import_secs", self.import_secs, 1, 60)?;
        within("readers", self.readers as u64, 1, 256)?;
        within("watch_streams", self.watch_streams as u64, 1, 10_000)?;
        within("release.recheck_secs", self.release.recheck_secs, 1, 86_400)?;
        if let Some(other) = self.release.required.iter().find(|name| !AWAITABLE.contains(&name.as_str())) {
            let problem = format!("`{other}` is none of {}", AWAITABLE.join(", "));
            return Err(("release.required", problem));
        }
        self.stack.rules().map_err(|error| ("stack.rules_dir", error.to_string()))?;
        match self.local_roots.iter().find(|root| !root.is_absolute()) {
            Some(root) => Err(("local_roots", format!("{} is not an absolute path", root.display()))),
            None => Ok(()),
        }
    }
}

impl Config {
    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) fn fetch_interval(&self) -> Duration {
        Duration::from_secs(self.fetch_secs)
    }

    pub(crate) fn import_time(&self) -> Duration {
        Duration::from_secs(self.import_secs)
    }

    pub(crate) fn fetch_limits(&self) -> FetchLimits {
        FetchLimits { time: Duration::from_secs(self.fetch_timeout_secs), mirror_bytes: self.mirror_bytes }
    }

    pub(crate) fn diff_limits(&self) -> DiffLimits {
        DiffLimits {
            diff_bytes: self.diff_bytes,
            blob_bytes: self.blob_bytes,
            renames: self.renames,
            ..DiffLimits::default()
        }
    }
}

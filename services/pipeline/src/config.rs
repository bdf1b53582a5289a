use std::{collections::BTreeMap, time::Duration};

use ipnet::IpNet;
use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

/// Settings of the pipeline service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Runs that a process executes at a time; more wait.
    pub max_runs: usize,
    /// Tasks of one run that are under way at a time.
    pub max_tasks: usize,
    /// Milliseconds after which a run whose process fell silent is taken over by another.
    pub lease_ms: u64,
    /// Days that a run is kept after its end.
    pub retention_days: u32,
    /// Streams of `WatchRun` that may be open at a time.
    pub watch_streams: usize,
    /// `http` tasks.
    pub http: HttpConfig,
    /// `process` tasks.
    pub process: ProcessConfig,
}

/// What `http` tasks may do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Ranges such as `10.1.0.0/16` that may be reached although they are not of the public internet.
    pub allow_private: Vec<String>,
    /// Bytes of a reply's body at most.
    pub max_body_bytes: usize,
}

/// How far programs are kept apart from the machine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In Linux namespaces of their own. Where the machine does not allow that, no program runs.
    Namespaces,
    /// Not at all, but for limits and an environment of their own.
    None,
}

/// What `process` tasks may do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessConfig {
    /// Whether programs run at all.
    pub enabled: bool,
    /// Programs that may be started, as a command names them. No boundary: most of them start others.
    pub allow: Vec<String>,
    /// How far they are kept apart from the machine.
    pub isolation: Isolation,
    /// Whether they reach the network; loopback belongs to it.
    pub network: bool,
    /// Where programs are looked for.
    pub path: String,
    /// Variables of every program's environment, such as `CARGO_HOME`.
    pub environment: BTreeMap<String, String>,
    /// MiB of memory that a process may write to.
    pub memory_mib: u64,
    /// MiB of a file at most.
    pub file_mib: u64,
    /// Files that a process may have open.
    pub open_files: u64,
    /// Processes that may run in one sandbox.
    pub processes: u64,
    /// MiB of a checked-out tree at most.
    pub checkout_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_runs: 8,
            max_tasks: 8,
            lease_ms: 15_000,
            retention_days: 90,
            watch_streams: 64,
            http: HttpConfig::default(),
            process: ProcessConfig::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { allow_private: Vec::new(), max_body_bytes: 192 << 10 }
    }
}

impl Default for ProcessConfig {
    fn default() -> Self {
        let allow = [
            "bundle", "cargo", "composer", "dotnet", "go", "gradle", "make", "mvn", "node", "npm", "npx",
            "php", "pip", "pnpm", "poetry", "pytest", "python", "python3", "ruby", "tox", "uv", "yarn",
        ];
        Self {
            enabled: false,
            allow: allow.map(str::to_owned).to_vec(),
            isolation: Isolation::Namespaces,
            network: false,
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            environment: BTreeMap::new(),
            memory_mib: 4_096,
            file_mib: 1_024,
            open_files: 1_024,
            processes: 512,
            checkout_mib: 512,
        }
    }
}

impl Config {
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }
}

impl HttpConfig {
    /// The ranges; those that are none were refused at the start.
    pub(crate) fn ranges(&self) -> Vec<IpNet> {
        self.allow_private.iter().filter_map(|range| range.parse().ok()).collect()
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let numbers: [(&'static str, u64); 8] = [
            ("max_runs", self.max_runs as u64),
            ("max_tasks", self.max_tasks as u64),
            ("retention_days", self.retention_days.into()),
            ("http.max_body_bytes", self.http.max_body_bytes as u64),
            ("process.memory_mib", self.process.memory_mib),
            ("process.file_mib", self.process.file_mib),
            ("process.open_files", self.process.open_files),
            ("process.processes", self.process.processes),
        ];
        if let Some((key, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err((*key, "must be at least 1".to_owned()));
        }
        if self.lease_ms < 300 {
            return Err(("lease_ms", "must be at least 300".to_owned()));
        }
        if let Some(range) = self.http.allow_private.iter().find(|range| range.parse::<IpNet>().is_err()) {
            return Err(("http.allow_private", format!("`{range}` is no range such as 10.1.0.0/16")));
        }
        Ok(())
    }
}

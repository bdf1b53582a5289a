//! What stands between a program and the machine: util-linux's `unshare` puts it into namespaces of its own (no network, no
//! sight of other processes), `prlimit` bounds it. It can still read and write whatever files the service's account can.

use std::{
    ffi::OsString,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
};

use crate::config::{Isolation, ProcessConfig};

/// How long a look at what this machine allows may take.
const PROBE: Duration = Duration::from_secs(10);

/// How programs are started.
pub(super) struct Sandbox {
    config: ProcessConfig,
    /// Whether this machine allows what is configured; looked at once.
    allowed: OnceCell<Result<(), String>>,
}

impl Sandbox {
    pub fn new(config: &ProcessConfig) -> Self {
        Self { config: config.clone(), allowed: OnceCell::new() }
    }

    /// Whether this machine allows what is configured; if not, what is missing and the way out.
    pub async fn allowed(&self) -> Result<(), String> {
        self.allowed.get_or_init(|| self.probe()).await.clone()
    }

    async fn probe(&self) -> Result<(), String> {
        let mut command = self.command(&[OsString::from("true")]);
        command
            .env("PATH", &self.config.path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = match command.spawn() {
            Ok(mut child) => match tokio::time::timeout(PROBE, child.wait()).await {
                Ok(status) => status.is_ok_and(|status| status.success()),
                Err(_) => false,
            },
            Err(_) => false,
        };
        if status {
            return Ok(());
        }
        Err(match self.config.isolation {
            Isolation::Namespaces => {
                "this machine does not let programs into namespaces of their own (util-linux's \
                unshare and prlimit, and unprivileged user namespaces, are needed); \
                `pipeline.process.isolation = \"none\"` runs them without"
                    .to_owned()
            }
            Isolation::None => "`prlimit` of util-linux is not here".to_owned(),
        })
    }

    /// Starts a program in a directory, with these variables and no others.
    pub fn start(
        &self,
        argv: &[String],
        directory: &Path,
        env: &[(String, String)],
    ) -> std::io::Result<Running> {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let child = self
            .command(&argv)
            .current_dir(directory)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .env("PATH", &self.config.path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Running { child, group })
    }

    fn command(&self, argv: &[OsString]) -> Command {
        let limits = &self.config;
        let mut words: Vec<OsString> = Vec::new();
        if limits.isolation == Isolation::Namespaces {
            words.extend(
                ["unshare", "--map-current-user", "--pid", "--ipc", "--uts", "--mount-proc"].map(Into::into),
            );
            if !limits.network {
                words.push("--net".into());
            }
            // Whoever ends the first process of the namespace ends all in it.
            words.extend(["--fork", "--kill-child", "--"].map(Into::into));
        }
        words.push("prlimit".into());
        words.push(format!("--data={}", limits.memory_mib.saturating_mul(1 << 20)).into());
        words.push(format!("--fsize={}", limits.file_mib.saturating_mul(1 << 20)).into());
        words.push(format!("--nofile={}", limits.open_files).into());
        if limits.isolation == Isolation::Namespaces {
            // Outside of a user namespace it would count all that the account runs.
            words.push(format!("--nproc={}", limits.processes).into());
        }
        words.extend(["--core=0", "--"].map(Into::into));
        words.extend(argv.iter().cloned());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().process_group(0).kill_on_drop(true);
        command
    }
}

/// A program as it runs; dropping it kills it with its process group.
pub(super) struct Running {
    pub child: Child,
    group: Option<Pid>,
}

impl Running {
    /// Waits for its end.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills it with all that it started.
    pub fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            // Gone already, at worst.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

//! A server's process, its directory and its user.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// Where builds put what they make; servers and evidence go there as well.
pub(crate) fn target_dir() -> PathBuf {
    // A test's executable is `<target>/<profile>/deps/<name>`.
    let exe = std::env::current_exe().unwrap_or_default();
    let target = exe.ancestors().nth(3).filter(|_| exe.parent().is_some_and(|dir| dir.ends_with("deps")));
    target.map_or_else(|| std::env::temp_dir().join("septet-tests"), Path::to_owned)
}

/// A port that nothing listens on now.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Who a server runs as: the user that its package made where this is root, as some servers refuse root; else whoever
/// this is.
pub(super) struct Account {
    drop_to: Option<(u32, u32)>,
}

impl Account {
    pub(super) fn of(user: &str) -> Result<Self, String> {
        let me = fs::metadata("/proc/self").map_err(|error| format!("/proc/self: {error}"))?.uid();
        if me != 0 {
            return Ok(Self { drop_to: None });
        }
        let users = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
        let ids = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == user).then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        let drop_to = Some(ids.ok_or_else(|| format!("there is no user {user} to run it as"))?);
        Ok(Self { drop_to })
    }

    /// A directory of this process for the server, empty and its own. Those of processes that are gone are removed.
    pub(super) fn directory(&self, server: &str) -> io::Result<PathBuf> {
        let base = target_dir().join("servers");
        fs::create_dir_all(&base)?;
        for entry in fs::read_dir(&base)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let process = name.rsplit_once('-').map_or("", |(_, process)| process);
            if process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists() {
                // Another test process may be removing it too.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let dir = base.join(format!("{server}-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = self.drop_to {
            chown(&dir, Some(user), Some(group))?;
        }
        Ok(dir)
    }

    /// A command that runs as this account, gets `signal` when its parent ends, and writes what it says to `log`.
    pub(super) fn command(&self, program: &Path, signal: &str, log: &Path) -> io::Result<Command> {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(signal);
        if let Some((user, group)) = self.drop_to {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        let log = File::options().create(true).append(true).open(log)?;
        command.arg(program).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }
}

/// Starts a process that runs until this one ends.
pub(super) fn start(mut command: Command) -> io::Result<()> {
    let (started, outcome) = mpsc::channel();
    // The signal at the parent's death is sent when the *thread* that started the process ends: this one does not,
    // as it waits for the process.
    std::thread::Builder::new().name("server".to_owned()).spawn(move || match command.spawn() {
        Ok(mut child) => {
            let _ = started.send(Ok(()));
            let _ = child.wait();
        }
        Err(error) => drop(started.send(Err(error))),
    })?;
    outcome.recv().map_err(io::Error::other)?
}

/// Waits until the server answers; else gives the end of what it logged.
pub(super) async fn ready(
    server: &str,
    log: &Path,
    limit: Duration,
    mut answers: impl AsyncFnMut() -> bool,
) -> Result<(), String> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if answers().await {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    let tail: Vec<&str> = said.lines().rev().take(5).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    Err(format!(
        "{server} did not answer within {limit:?}; {} ends with: {}",
        log.display(),
        tail.join(" | ")
    ))
}

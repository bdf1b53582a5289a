//! Who a server runs as.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::{Command, Stdio},
};

use crate::{Kind, Life, ServerError, program};

/// The user that its package made where this is root, as some servers refuse root; else whoever this is.
#[derive(Debug)]
pub(crate) struct Account {
    drop_to: Option<(u32, u32)>,
}

impl Account {
    /// Whoever this is.
    pub(crate) fn own() -> Self {
        Self { drop_to: None }
    }

    /// For a server that refuses to run as root.
    pub(crate) fn unprivileged(kind: Kind, user: &str) -> Result<Self, ServerError> {
        let me = fs::metadata("/proc/self").map_err(ServerError::io(kind, "/proc/self"))?.uid();
        if me != 0 {
            return Ok(Self::own());
        }
        let users = fs::read_to_string("/etc/passwd").map_err(ServerError::io(kind, "/etc/passwd"))?;
        let ids = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == user).then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        let drop_to = Some(ids.ok_or_else(|| {
            let missing = format!("there is no user {user} to run it as");
            ServerError::Absent { kind, missing, remedy: format!("`useradd --system {user}` adds it") }
        })?);
        Ok(Self { drop_to })
    }

    /// Gives it a directory: only this account may look inside.
    pub(crate) fn own_directory(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = self.drop_to {
            chown(dir, Some(user), Some(group))?;
            self.reaches(dir, user, group)?;
        }
        Ok(())
    }

    /// Whether the way to the directory is open to the account, which servers report in riddles.
    fn reaches(&self, dir: &Path, user: u32, group: u32) -> io::Result<()> {
        for above in fs::canonicalize(dir)?.ancestors().skip(1) {
            let facts = fs::metadata(above)?;
            let bit = match () {
                () if facts.uid() == user => 0o100,
                () if facts.gid() == group => 0o010,
                () => 0o001,
            };
            if facts.mode() & bit == 0 {
                let above = above.display();
                return Err(io::Error::other(format!(
                    "its user may not enter {above}: `chmod o+x {above}` or choose another directory"
                )));
            }
        }
        Ok(())
    }

    /// A command of this account that is over soon.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("timeout");
        command.args([program::LIMIT, "setpriv"]);
        self.drop(&mut command);
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// A server's own command, which writes what it says to `log`. One that lives with its parent gets `signal` when
    /// that ends, however it ends; a detached one is in a session of its own, where no terminal's signal finds it.
    pub(crate) fn server(&self, program: &Path, life: Life, signal: &str, log: &Path) -> io::Result<Command> {
        let mut command = match life {
            Life::WithParent => {
                let mut command = Command::new("setpriv");
                command.arg("--pdeathsig").arg(signal);
                command
            }
            Life::Detached => {
                let mut command = Command::new("setsid");
                command.arg("setpriv");
                command
            }
        };
        self.drop(&mut command);
        let log = File::options().create(true).append(true).open(log)?;
        command.arg(program).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    fn drop(&self, command: &mut Command) {
        if let Some((user, group)) = self.drop_to {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
    }
}

//! A server's process: how it is started, known again, told to end and waited for.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    sync::mpsc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// A process that this one started, or found by the file that an earlier one wrote.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    /// Means this process alone, also when it is gone and its number is another's.
    descriptor: OwnedFd,
}

impl Process {
    /// Starts a process, and notes in `file` which one it is.
    pub(crate) fn start(mut command: Command, file: &Path) -> io::Result<Self> {
        let (started, outcome) = mpsc::channel();
        // A signal at the parent's death is sent when the *thread* that started the process ends: this one does not,
        // as it waits for the process.
        std::thread::Builder::new().name("server".to_owned()).spawn(move || match command.spawn() {
            Ok(mut child) => {
                let _ = started.send(Ok(child.id()));
                let _ = child.wait();
            }
            Err(error) => drop(started.send(Err(error))),
        })?;
        let number = outcome.recv().map_err(io::Error::other)??;
        let gone = || io::Error::other("it ended at once");
        let pid = i32::try_from(number).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
        let identity = identity(pid).ok_or_else(gone)?;
        fs::write(file, format!("{pid} {identity}\n"))?;
        Ok(Self { pid, descriptor })
    }

    /// The process that `file` tells of, if it still runs: a number alone might have become another program's.
    pub(crate) fn find(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let (number, noted) = text.trim().split_once(' ')?;
        let pid = Pid::from_raw(number.parse().ok()?)?;
        // First held, then looked at: so it cannot change in between.
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        let process = Self { pid, descriptor };
        (process.runs() && identity(pid)? == noted).then_some(process)
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(crate) fn runs(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }

    /// Waits for its end, no longer than `limit`; whether it ended.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout =
                Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.descriptor, PollFlags::IN)], Some(&timeout)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    /// Sends a signal; one that is gone has no need of it.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.descriptor, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What tells this process from all others that have had or will have its number: the machine's boot, and when after
/// that it began. It stays as it is when the process becomes another program.
fn identity(pid: Pid) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, which may have blanks and brackets, is the second field; the start is the 22nd.
    let start = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
    Some(format!("{}/{start}", boot.trim()))
}

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context, bail};

/// How often and how long to wait for a lock that is held.
const LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(20);

/// The directory of everything that the embedded backends keep, held by one process at a time.
pub(crate) struct DataDir {
    /// Unlocked by the system when the process ends, however it ends.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if it is not there, readable by this user only, and takes it.
    pub async fn take(path: &Path) -> anyhow::Result<Self> {
        create(path).with_context(|| format!("cannot create the data directory {}", path.display()))?;
        let lock_path = path.join("lock");
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .with_context(|| format!("cannot open {}", lock_path.display()))?;
        let mut locked = lock.try_lock();
        for _ in 0..LOOKS {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            // It may be no more than a look by `data_dir_in_use`, which is over at once.
            tokio::time::sleep(LOOK).await;
            locked = lock.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder's number only helps; without it the message still holds.
                let _ = lock.read_to_string(&mut holder);
                let holder = holder.trim();
                bail!(
                    "the data directory {} is in use by another Septet{}; stop it, or choose another with --data",
                    path.display(),
                    if holder.is_empty() { String::new() } else { format!(" (process {holder})") }
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", lock_path.display()));
            }
        }
        lock.set_len(0)?;
        lock.rewind()?;
        write!(lock, "{}", std::process::id())?;
        Ok(Self { _lock: lock })
    }
}

/// True if a process holds the data directory now.
pub fn data_dir_in_use(path: &Path) -> bool {
    File::open(path.join("lock"))
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn create(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

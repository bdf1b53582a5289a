//! What a failed test leaves behind: its data, its logs and its seed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rand::{SeedableRng as _, rngs::StdRng};
use septet_servers::target_dir;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Set it to a failed test's seed to run the same choices again.
const SEED: &str = "SEPTET_TEST_SEED";

/// A directory for a test's data. Removed when the test passes, kept when it fails.
#[derive(Debug)]
pub struct Workspace {
    dir: PathBuf,
    seed: u64,
}

impl Workspace {
    /// An empty directory `target/evidence/<test>`; name the test as the runner does, for example with
    /// `module_path!()`. Two tests of one name would share it, so use a name once.
    ///
    /// # Panics
    /// If the directory cannot be made.
    pub fn new(test: &str) -> Self {
        let dir = target_dir().join("evidence").join(test.replace("::", "/"));
        // What an earlier failure left is of no more use once the test runs again.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(rand::random);
        let note = format!("{seed}\n");
        fs::write(dir.join("seed"), note).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        Self { dir, seed }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// What decides the test's random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Random numbers that follow from the seed.
    pub fn random(&self) -> StdRng {
        StdRng::seed_from_u64(self.seed)
    }

    /// Writes this thread's log to `log` in the directory until the guard is dropped. Tasks of a multi-threaded
    /// runtime log elsewhere: for those, give the process under test its own log file here.
    ///
    /// # Panics
    /// If the file cannot be made.
    pub fn log(&self) -> tracing::subscriber::DefaultGuard {
        let file = fs::File::create(self.dir.join("log")).unwrap_or_else(|error| panic!("{error}"));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("debug"))
            .with_ansi(false)
            .with_writer(LogFile(Arc::new(Mutex::new(file))))
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

impl Drop for Workspace {
    #[allow(clippy::print_stderr, reason = "a test's output is where a failure is looked for")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("evidence kept in {}; run again with {SEED}={}", self.dir.display(), self.seed);
        } else {
            // A leftover is removed at the next run.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// A log file that several writers share.
#[derive(Clone)]
struct LogFile(Arc<Mutex<fs::File>>);

impl std::io::Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passed_test_leaves_nothing_and_a_failed_one_everything() {
        let passed = Workspace::new("evidence::passed");
        let dir = passed.path().to_owned();
        fs::write(dir.join("data"), "x").expect("written");
        drop(passed);
        assert!(!dir.exists());

        let failed = std::panic::catch_unwind(|| {
            let workspace = Workspace::new("evidence::failed");
            fs::write(workspace.path().join("data"), "x").expect("written");
            let guard = workspace.log();
            tracing::warn!("something happened");
            drop(guard);
            std::panic::panic_any((workspace.path().to_owned(), workspace.seed()));
        });
        let (dir, seed) = *failed.expect_err("it fails").downcast::<(PathBuf, u64)>().expect("its directory");
        assert_eq!(fs::read_to_string(dir.join("data")).expect("data"), "x");
        assert_eq!(fs::read_to_string(dir.join("seed")).expect("seed").trim(), seed.to_string());
        assert!(fs::read_to_string(dir.join("log")).expect("log").contains("something happened"));
        fs::remove_dir_all(dir).expect("removed");
    }
}

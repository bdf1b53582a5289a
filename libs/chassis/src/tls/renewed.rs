use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// How often the files are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// What was made from files, and is made again once they have changed. Where the new ones are no good, the last good
/// one stays in use.
pub(crate) struct Renewed<T> {
    files: Vec<PathBuf>,
    make: Box<dyn Fn() -> anyhow::Result<T> + Send + Sync>,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    value: Arc<T>,
    seen: Vec<Stamp>,
    looked: Instant,
}

/// What tells one state of a file from another; `None` if there is no file.
type Stamp = Option<(SystemTime, u64)>;

impl<T> Renewed<T> {
    /// Made now, and whenever one of the files has changed since.
    ///
    /// # Errors
    /// The files are no good to begin with.
    pub fn new(
        files: Vec<PathBuf>,
        make: impl Fn() -> anyhow::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        // Looked at first: a change while they are read is seen the next time.
        let seen = stamps(&files);
        let value = Arc::new(make()?);
        let kept = Mutex::new(Kept { value, seen, looked: Instant::now() });
        Ok(Self { files, make: Box::new(make), kept })
    }

    /// The one to use now.
    pub fn current(&self) -> Arc<T> {
        // What is kept is replaced whole, so a panic elsewhere has not left it half done.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.looked.elapsed() >= LOOK {
            kept.looked = Instant::now();
            let now = stamps(&self.files);
            if now != kept.seen {
                kept.seen = now;
                match (self.make)() {
                    Ok(value) => {
                        kept.value = Arc::new(value);
                        tracing::info!(files = ?self.files, "certificates were renewed");
                    }
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::error!(
                            error,
                            "the renewed certificates are no good; the last ones stay in use"
                        );
                    }
                }
            }
        }
        Arc::clone(&kept.value)
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files
        .iter()
        .map(|file| {
            let about = fs::metadata(file).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
        .collect()
}

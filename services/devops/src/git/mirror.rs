//! A local copy of a repository behind a URL.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gix::ThreadSafeRepository;
use gix::bstr::{BStr, ByteSlice};
use gix::remote::Direction;

use super::checkout::isolated;
use super::error::reason;
use super::{Checkout, FetchLimits, GitError, RemoteUrl};

/// Where the remote's HEAD is noted, outside the branches.
const REMOTE_HEAD: &str = "refs/septet/head";
/// How often limits and interruption are looked at during a fetch.
const WATCH: Duration = Duration::from_millis(100);
/// How long a fetch may take to notice that it should end, before it is left to itself.
const GRACE: Duration = Duration::from_secs(2);
/// The system's `ssh` with the service account's own keys and known hosts. It must neither ask anything nor wait for ever.
/// Because of the options gix starts it through `sh`, with host and path as arguments that are never part of the script.
const SSH: [&str; 2] = [
    "core.sshCommand=ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15",
    "ssh.variant=ssh",
];

/// A bare mirror of a remote repository under `<data>/mirrors/<repository id>.git`, which this service owns and writes.
#[derive(Debug)]
pub struct Mirror {
    path: PathBuf,
    remote: RemoteUrl,
    /// Held by a fetch, also by one that was given up but has not ended.
    fetching: Arc<Mutex<()>>,
}

/// What a fetch brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// Branches that the remote has.
    pub branches: usize,
    /// Branches deleted here because the remote no longer has them.
    pub pruned: usize,
}

impl Mirror {
    /// Opens the mirror, or starts an empty one.
    pub fn open(data: &Path, repository_id: &str, remote: RemoteUrl) -> Result<Self, GitError> {
        let plain = repository_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || repository_id.is_empty() || repository_id.len() > 64 {
            return Err(GitError::MirrorId(repository_id.chars().take(64).collect()));
        }
        let path = data.join("mirrors").join(format!("{repository_id}.git"));
        let failed = |reason: String| GitError::Mirror { path: path.clone(), reason };
        if !path.join("HEAD").exists() {
            std::fs::create_dir_all(&path).map_err(|error| failed(error.to_string()))?;
            let kind = gix::create::Kind::Bare;
            ThreadSafeRepository::init_opts(&path, kind, gix::create::Options::default(), isolated())
                .map_err(|error| failed(reason(&error)))?;
        }
        Ok(Self { path, remote, fetching: Arc::default() })
    }

    /// The mirror for reading, under the name of its URL.
    pub fn checkout(&self) -> Result<Checkout, GitError> {
        Checkout::open_as(&self.path, self.remote.to_string())
    }

    /// Brings all branches up to date and drops those that the remote dropped. Blocks until done, until a limit is
    /// reached, or until `interrupt` is set.
    pub fn fetch(&self, limits: FetchLimits, interrupt: &AtomicBool) -> Result<Fetched, GitError> {
        let url = self.remote.to_string();
        if let Some(error) = self.too_large(limits) {
            return Err(error);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel();
        let work = {
            let (stop, fetching) = (Arc::clone(&stop), Arc::clone(&self.fetching));
            let (path, remote) = (self.path.clone(), self.remote.clone());
            move || {
                // A server may keep a connection open in silence, which no flag can interrupt: hence a thread that can be
                // left behind. The lock keeps a second fetch from writing beside it.
                let result = match fetching.try_lock() {
                    Ok(_guard) => fetch(&path, &remote, &stop),
                    Err(_) => Err(GitError::FetchBusy(remote.to_string())),
                };
                // Nobody listens to a fetch that was left behind.
                let _ = sender.send(result);
            }
        };
        let thread = std::thread::Builder::new().name("git-fetch".to_owned()).spawn(work);
        thread.map_err(|error| GitError::Fetch { url: url.clone(), reason: error.to_string() })?;
        let deadline = Instant::now() + limits.time;
        let mut broken: Option<(Instant, GitError)> = None;
        loop {
            match receiver.recv_timeout(WATCH) {
                Ok(result) => {
                    let error = broken.map(|(_, error)| error).or_else(|| self.too_large(limits));
                    return error.map_or(result, Err);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(GitError::Fetch { url, reason: "the fetch ended unexpectedly".to_owned() });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            match broken.take() {
                Some((since, error)) if since.elapsed() >= GRACE => return Err(error),
                Some(waiting) => broken = Some(waiting),
                None => {
                    broken = self.exceeded(limits, deadline, interrupt).map(|error| (Instant::now(), error));
                    stop.store(broken.is_some(), Ordering::Relaxed);
                }
            }
        }
    }

    fn exceeded(&self, limits: FetchLimits, deadline: Instant, interrupt: &AtomicBool) -> Option<GitError> {
        let url = || self.remote.to_string();
        if interrupt.load(Ordering::Relaxed) {
            Some(GitError::FetchInterrupted(url()))
        } else if Instant::now() >= deadline {
            Some(GitError::FetchTime { url: url(), seconds: limits.time.as_secs() })
        } else {
            self.too_large(limits)
        }
    }

    fn too_large(&self, limits: FetchLimits) -> Option<GitError> {
        let size = GitError::FetchSize { url: self.remote.to_string(), limit: limits.mirror_bytes };
        (pack_bytes(&self.path) > limits.mirror_bytes).then_some(size)
    }
}

/// Bytes of all packs, complete or on their way.
fn pack_bytes(mirror: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(mirror.join("objects").join("pack")) else { return 0 };
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn fetch(path: &Path, remote: &RemoteUrl, stop: &AtomicBool) -> Result<Fetched, GitError> {
    let mirror = |error: gix::Error| GitError::Mirror { path: path.to_owned(), reason: reason(&error) };
    let options = isolated().config_overrides(SSH);
    let repository = options.open(path).map_err(mirror)?.to_thread_local();
    let received = receive(&repository, remote, stop).map_err(|error| {
        let reason = reason(&error);
        let denied = denies(&reason, &remote.to_string());
        match denied {
            true => GitError::FetchDenied(remote.to_string()),
            false => GitError::Fetch { url: remote.to_string(), reason },
        }
    })?;
    let (names, head) = branches(&received);
    let pruned = prune(&repository, &names).map_err(mirror)?;
    if let Some(head) = head {
        point_head(&repository, &head).map_err(mirror)?;
    }
    Ok(Fetched { branches: names.len(), pruned })
}

/// True if a failure's text tells of a refusal. The place itself, which the text names, may have any digits.
fn denies(reason: &str, url: &str) -> bool {
    let told = reason.replace(url, "").to_ascii_lowercase();
    let says = |code| told.split(|of: char| !of.is_ascii_alphanumeric()).any(|word| word == code);
    says("401") || says("403") || told.contains("credential") || told.contains("permission denied")
}

fn receive(
    repository: &gix::Repository,
    remote: &RemoteUrl,
    stop: &AtomicBool,
) -> gix::Result<gix::remote::fetch::RefMap> {
    let head = format!("+HEAD:{REMOTE_HEAD}");
    let specs = ["+refs/heads/*:refs/heads/*".as_bytes().as_bstr(), head.as_bytes().as_bstr()];
    let remote = repository
        .remote_at(remote.url.clone())?
        .with_fetch_tags(gix::remote::fetch::Tags::None)
        .with_refspecs(specs, Direction::Fetch)?;
    let outcome = remote
        .connect(Direction::Fetch)?
        // No credential helper is ever run, and nobody is there to be asked.
        .with_credentials(|_| Ok(None))
        .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())?
        .with_write_packed_refs_only(true)
        .receive(gix::progress::Discard, stop)?;
    Ok(outcome.ref_map)
}

/// The branches of the remote, and the one that its HEAD names.
fn branches(map: &gix::remote::fetch::RefMap) -> (Vec<String>, Option<String>) {
    let mut names = Vec::new();
    let mut head = None;
    for mapping in &map.mappings {
        let Some(local) = mapping.local.as_ref().map(|name| name.as_bstr()) else { continue };
        if local == REMOTE_HEAD {
            head = mapping.remote.as_target().map(|target: &BStr| target.to_str_lossy().into_owned());
        } else {
            names.push(local.to_str_lossy().into_owned());
        }
    }
    names.sort_unstable();
    (names, head)
}

fn prune(repository: &gix::Repository, kept: &[String]) -> gix::Result<usize> {
    let mut gone = Vec::new();
    for reference in repository.references()?.local_branches()? {
        let reference = reference?;
        let name = reference.name().as_bstr().to_str_lossy().into_owned();
        if kept.binary_search(&name).is_err() {
            gone.push(reference.detach());
        }
    }
    let count = gone.len();
    for reference in gone {
        repository.find_reference(reference.name.as_ref())?.delete()?;
    }
    Ok(count)
}

/// Lets HEAD name the branch that the remote's HEAD names, which decides what branch commits are counted to.
fn point_head(repository: &gix::Repository, branch: &str) -> gix::Result<()> {
    use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit};
    // A server may name anything; what is no ref name leaves HEAD as it is.
    let (Ok(target), Ok(name)) =
        (gix::refs::FullName::try_from(branch), gix::refs::FullName::try_from("HEAD"))
    else {
        return Ok(());
    };
    if repository.head_name()?.is_some_and(|name| name == target) {
        return Ok(());
    }
    repository.edit_reference(RefEdit {
        change: Change::Update {
            log: LogChange::default(),
            expected: PreviousValue::Any,
            new: gix::refs::Target::Symbolic(target),
        },
        name,
        deref: false,
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::denies;

    #[test]
    fn a_place_with_a_codes_digits_is_no_refusal() {
        let url = "https://127.0.0.1:40125/401.git";
        assert!(!denies(&format!("cannot reach {url}/info/refs on port 40125"), url));
        assert!(denies(&format!("{url} answered HTTP status 401"), url));
        assert!(denies("Permission denied (publickey)", url));
    }
}

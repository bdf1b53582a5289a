//! Looks at every repository again and again, and queues an import where one has moved.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use septet_chassis::{
    CxError,
    contract::{Cause, Timestamp},
};
use septet_proto_devops::v1::ImportCommits;
use tokio_util::sync::CancellationToken;

use crate::{
    Devops,
    git::{Checkout, GitError},
    import::digest,
    sources::is_remote,
    store::{self, Repository},
};

/// So long after it was queued, or last went on, an import is believed to be under way.
const QUEUED: Duration = Duration::from_secs(900);
/// Repositories that are looked at at the same time.
const LOOKS: usize = 4;
/// After so long a round goes on without a repository that does not answer, as on a network file system.
const LOOK_TIME: Duration = Duration::from_secs(5);
const LEASE: &str = "devops-watch";

/// Until when an import that was queued at `now` is believed to be under way.
pub(crate) fn queued_until(now: Timestamp) -> i64 {
    now.after(QUEUED).micros()
}

/// What the watch remembers from round to round.
#[derive(Default)]
struct Watch {
    /// When each repository behind a URL is to be fetched.
    due: HashMap<String, Instant>,
    /// Repositories whose last look went well.
    well: HashSet<String>,
    /// Repositories that are being looked at, also by looks that were given up but have not ended.
    busy: Arc<Mutex<HashSet<String>>>,
    /// Until when this replica is the one that watches.
    held_until: Option<Instant>,
}

/// What a look at a repository on this machine came to.
enum Looked {
    /// Its refs.
    Refs(String),
    /// It cannot be read.
    Failed(String),
    /// It does not answer.
    Silent,
}

/// The background task.
pub(crate) async fn run(devops: Arc<Devops>, stop: CancellationToken) -> anyhow::Result<()> {
    // Ends the imports with this task, however it ends.
    let _ends_imports = devops.stop.clone().drop_guard();
    let mut watch = Watch::default();
    let mut rounds = tokio::time::interval(devops.settings.poll());
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let watching = async {
        loop {
            rounds.tick().await;
            if let Err(error) = watch.round(&devops).await {
                tracing::warn!(%error, "the watch waits for the database");
            }
        }
    };
    tokio::select! {
        () = watching => {}
        () = stop.cancelled() => {}
    }
    if let Err(error) = devops.leases.release(LEASE).await {
        tracing::debug!(%error, "the lease of the watch runs out by itself");
    }
    Ok(())
}

impl Watch {
    async fn round(&mut self, devops: &Devops) -> Result<(), CxError> {
        if !self.hold(devops).await? {
            return Ok(());
        }
        let repositories = store::repositories(&mut devops.units.read().await?).await?;
        let now = Timestamp::now().micros();
        let (remote, local): (Vec<_>, Vec<_>) = repositories
            .into_iter()
            .filter(|repository| repository.queued_until < now)
            .partition(|repository| is_remote(&repository.location));
        for repository in remote {
            let due = self.due.get(&repository.id).is_none_or(|due| *due <= Instant::now());
            if due && queue(devops, &repository).await? {
                self.due.insert(repository.id, Instant::now() + devops.settings.fetch_interval());
            }
        }
        let busy = Arc::clone(&self.busy);
        let mut looks = stream::iter(local)
            .map(|repository| {
                let busy = Arc::clone(&busy);
                async move { (look(&repository, busy).await, repository) }
            })
            .buffer_unordered(LOOKS);
        while let Some((looked, repository)) = looks.next().await {
            self.conclude(devops, looked, &repository).await?;
        }
        Ok(())
    }

    async fn conclude(
        &mut self,
        devops: &Devops,
        looked: Looked,
        repository: &Repository,
    ) -> Result<(), CxError> {
        match looked {
            Looked::Refs(digest) => {
                // What failed is tried again once the repository can be read again, and when it moves.
                let recovered = self.well.insert(repository.id.clone()) && !repository.last_error.is_empty();
                if digest != repository.refs_digest || recovered {
                    queue(devops, repository).await?;
                }
            }
            Looked::Failed(error) => {
                self.well.remove(&repository.id);
                if error != repository.last_error {
                    let mut cx = devops.units.begin(Cause::default());
                    store::note_look(cx.tx().await?, &repository.id, &error).await?;
                    cx.commit().await?;
                    tracing::warn!(repository = repository.id, error, "a repository cannot be read");
                }
            }
            Looked::Silent => tracing::debug!(repository = repository.id, "a repository does not answer"),
        }
        Ok(())
    }

    /// True if this replica is the one that watches.
    async fn hold(&mut self, devops: &Devops) -> Result<bool, CxError> {
        let now = Instant::now();
        if self.held_until.is_some_and(|until| now < until) {
            return Ok(true);
        }
        self.held_until = None;
        let held = devops.leases.hold(LEASE, Timestamp::now().micros()).await?;
        if held {
            self.held_until = Some(now + devops.leases.renewal());
        }
        Ok(held)
    }
}

/// Queues an import, unless one is queued already.
async fn queue(devops: &Devops, repository: &Repository) -> Result<bool, CxError> {
    let mut cx = devops.units.begin(Cause::default());
    let (now, until) = (cx.now().micros(), queued_until(cx.now()));
    let queued = store::queue(cx.tx().await?, &repository.id, now, until).await?;
    if queued {
        cx.enqueue(&ImportCommits { repository_id: repository.id.clone() })?;
        cx.commit().await?;
    }
    Ok(queued)
}

async fn look(repository: &Repository, busy: Arc<Mutex<HashSet<String>>>) -> Looked {
    let id = repository.id.clone();
    if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
        return Looked::Silent;
    }
    let path = PathBuf::from(&repository.location);
    let look = tokio::task::spawn_blocking(move || {
        let refs = Checkout::open(&path).and_then(|checkout| checkout.refs());
        busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        refs.map(|refs| digest(&refs))
    });
    match tokio::time::timeout(LOOK_TIME, look).await {
        Ok(Ok(Ok(digest))) => Looked::Refs(digest),
        Ok(Ok(Err(error))) => Looked::Failed(words(&error)),
        // A panic: the repository stays busy, and is left alone until the process starts again.
        Ok(Err(_)) => Looked::Failed("reading its refs ended unexpectedly; the log says more".to_owned()),
        Err(_) => Looked::Silent,
    }
}

fn words(error: &GitError) -> String {
    error.to_string().chars().take(1_000).collect()
}

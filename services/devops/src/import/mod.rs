//! Brings the commits of a repository that are not known yet into the store, and publishes each of them once.
//!
//! An import first pins its goal, which is what the branches point to at that moment, so that an import that is
//! interrupted goes on with the same selection however the repository moves meanwhile. It then describes some commits at
//! a time, outside of any transaction, and enters them together with their events. What it finds in the store already, it
//! leaves alone.

mod listing;
mod plan;

pub(crate) use listing::digest;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use prost::Message;
use septet_chassis::{CxError, StoreError, contract::Cause};
use septet_proto_devops::v1::ChangePushed;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{listing::listing, plan::Plan};
use crate::{
    Devops, compose,
    git::{Checkout, Described, GitError, Listed, Refs},
    inline_diff::InlineDiff,
    manifests::{self, Cache, Deployed, Step},
    store::{self, Repository, State, Tips},
    watch::queued_until,
};

/// Bytes of events that are entered in one transaction, near enough.
const CHUNK_BYTES: usize = 8 << 20;

/// How far an import came.
pub(crate) enum Imported {
    /// Up to the goal.
    All {
        /// The goal, for the store.
        goal: String,
        /// Digest of the refs that it was made of.
        digest: String,
    },
    /// There was nothing to do.
    Nothing,
    /// Some; there is more to do.
    Some,
}

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The repository, and the refs at which it failed where they could be read.
    #[error("{error}")]
    Git { error: GitError, digest: Option<String> },
    /// The unit of work.
    #[error(transparent)]
    Cx(#[from] CxError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task ended without a result.
    #[error("reading the repository ended unexpectedly; the log says more")]
    Lost,
}

/// A repository as a look at it found it.
struct Look {
    checkout: Arc<Checkout>,
    refs: Refs,
    digest: String,
}

/// Sets a flag when it is dropped, as when the job's time is up.
struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs what blocks where it may. It is told when its caller has gone, or when the process drains.
pub(crate) async fn blocking<T: Send + 'static>(
    stop: &CancellationToken,
    work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> Option<T> {
    let interrupt = Interrupt(Arc::default());
    let flag = Arc::clone(&interrupt.0);
    let mut task = tokio::task::spawn_blocking(move || work(&flag));
    let joined = tokio::select! {
        joined = &mut task => joined,
        () = stop.cancelled() => {
            drop(interrupt);
            task.await
        }
    };
    joined.ok()
}

impl Devops {
    /// Imports what is new, for as long as one import may take.
    pub(crate) async fn import(
        &self,
        cause: &Cause,
        repository: &Repository,
        tips: &Tips,
    ) -> Result<Imported, ImportError> {
        let began = Instant::now();
        let look = self.look(repository).await?;
        let at = |error| ImportError::Git { error, digest: Some(look.digest.clone()) };
        let settled = repository.importing == 0 && repository.last_error.is_empty() && tips.goal.is_none();
        if settled && repository.refs_digest == look.digest {
            return Ok(Imported::Nothing);
        }
        let mut plan = self.plan(repository, tips, &look).await?;
        let repository_id = Uuid::parse_str(&repository.id).unwrap_or_default();
        let cache = Arc::new(Mutex::new(Cache::default()));
        let mut next = 0;
        while next < plan.commits.len() {
            if self.stop.is_cancelled() || began.elapsed() >= self.settings.import_time() {
                return Ok(Imported::Some);
            }
            self.hold_import(&repository.id).await?;
            let end = (next + self.settings.import_chunk).min(plan.commits.len());
            let unknown = self.unknown(repository, &plan.commits, next..end).await?;
            let Some((last, _)) = unknown.last().cloned() else {
                next = end;
                continue;
            };
            let (events, failed) =
                self.describe(repository, repository_id, &look.checkout, &cache, unknown).await?;
            // Without any, it was interrupted.
            let reached = events.last().map(|(number, _)| *number);
            if let Some(reached) = reached {
                let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
                self.enter(cause, repository, &mut plan, &events).await?;
                next = if reached == last { end } else { reached + 1 };
            }
            match (failed, reached) {
                (Some(error), _) => return Err(at(error)),
                (None, None) => return Ok(Imported::Some),
                (None, Some(_)) => {}
            }
        }
        Ok(Imported::All { goal: listing(&plan.goal), digest: digest(&plan.goal) })
    }

    async fn look(&self, repository: &Repository) -> Result<Look, ImportError> {
        let (sources, id, location) =
            (Arc::clone(&self.sources), repository.id.clone(), repository.location.clone());
        let looked = blocking(&self.stop, move |interrupt| {
            let checkout = sources.current(&id, &location, interrupt)?;
            let refs = checkout.refs()?;
            Ok((checkout, refs))
        });
        let (checkout, refs) = looked
            .await
            .ok_or(ImportError::Lost)?
            .map_err(|error| ImportError::Git { error, digest: None })?;
        Ok(Look { checkout: Arc::new(checkout), digest: digest(&refs), refs })
    }

    /// Those of a range of commits that the store does not have, with their numbers.
    async fn unknown(
        &self,
        repository: &Repository,
        commits: &[Listed],
        range: std::ops::Range<usize>,
    ) -> Result<Vec<(usize, Listed)>, ImportError> {
        let mut tx = self.units.read().await?;
        let mut unknown = Vec::with_capacity(range.len());
        for (number, listed) in range.clone().zip(&commits[range]) {
            if !store::is_known(&mut tx, &repository.id, &listed.id.to_string()).await? {
                unknown.push((number, listed.clone()));
            }
        }
        Ok(unknown)
    }

    /// The events of these commits, up to a number of bytes, or up to the one that cannot be read.
    async fn describe(
        &self,
        repository: &Repository,
        repository_id: Uuid,
        checkout: &Arc<Checkout>,
        cache: &Arc<Mutex<Cache>>,
        commits: Vec<(usize, Listed)>,
    ) -> Result<(Vec<(usize, ChangePushed)>, Option<GitError>), ImportError> {
        let (checkout, repository, cache) = (Arc::clone(checkout), repository.clone(), Arc::clone(cache));
        let limits = self.settings.diff_limits();
        let described = blocking(&self.stop, move |interrupt| {
            let mut events = Vec::with_capacity(commits.len());
            let mut bytes = 0;
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            for (number, listed) in commits {
                if bytes >= CHUNK_BYTES || interrupt.load(Ordering::Relaxed) {
                    break;
                }
                let mut diff = InlineDiff::default();
                let described = match checkout.describe(listed.id, &limits, &mut diff) {
                    Ok(described) => described,
                    Err(error) => return (events, Some(error)),
                };
                let diff = diff.finish(described.left_out);
                let deployed = deployed(&checkout, &mut cache, &described);
                let event = compose::change_pushed(
                    &repository,
                    repository_id,
                    &listed.branch,
                    described,
                    diff,
                    deployed,
                );
                bytes += event.encoded_len();
                events.push((number, event));
            }
            (events, None)
        });
        described.await.ok_or(ImportError::Lost)
    }

    /// Enters changes and their events, all or none.
    async fn enter(
        &self,
        cause: &Cause,
        repository: &Repository,
        plan: &mut Plan,
        events: &[ChangePushed],
    ) -> Result<(), ImportError> {
        // Each change begins a journey of its own, with a correlation and a trace of its own.
        let mut cx = self.units.begin(Cause { id: cause.id.clone(), ..Cause::default() });
        let until = queued_until(cx.now());
        let tx = cx.tx().await?;
        let mut last = store::begin_numbering(tx).await?;
        let mut new = Vec::with_capacity(events.len());
        for event in events {
            let Some(change) = &event.change else { continue };
            let (row, files) = compose::to_row(last + 1, change);
            if store::insert(tx, &row, &files).await? {
                last += 1;
                new.push((row, event));
            }
        }
        store::end_numbering(tx, last).await?;
        store::progress(tx, &repository.id, new.len() as i64, until).await?;
        if !plan.pinned {
            store::set_tips(tx, &repository.id, State::Goal, Some(&listing(&plan.goal))).await?;
        }
        let alerts = store::alerts(cx.tx().await?, &repository.id, "", i64::MAX).await?;
        for (row, event) in new {
            tracing::info_span!(parent: None, "push").in_scope(|| cx.publish(event))?;
            let settings = event.settings.clone().unwrap_or_default();
            self.open_release(&mut cx, &row, &settings, &alerts).await?;
        }
        cx.commit().await?;
        plan.pinned = true;
        self.imported.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }
}

/// What a commit deploys, and what its repository asks for.
fn deployed(checkout: &Checkout, cache: &mut Cache, described: &Described) -> Deployed {
    let all = described.files.len() == described.files_total as usize;
    let step = Step {
        commit: described.commit.id,
        parent: described.base,
        files: all.then_some(described.files.as_slice()),
    };
    manifests::deployed(checkout, cache, &step)
}

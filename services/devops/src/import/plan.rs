//! Which commits an import is to bring.

use std::{collections::HashSet, sync::Arc};

use super::{ImportError, Look, blocking, listing::from_listing};
use crate::{
    Devops,
    git::{Checkout, GitError, Listed, ObjectId, Refs, Since},
    since,
    store::{self, Repository, Tips},
};

/// Known commits that are read at a time.
const KNOWN: i64 = 10_000;

/// What to import, and up to where.
pub(super) struct Plan {
    pub goal: Refs,
    /// False until the store has the goal.
    pub pinned: bool,
    pub commits: Vec<Listed>,
}

impl Devops {
    pub(super) async fn plan(
        &self,
        repository: &Repository,
        tips: &Tips,
        look: &Look,
    ) -> Result<Plan, ImportError> {
        let at = |error| ImportError::Git { error, digest: Some(look.digest.clone()) };
        let seen: Option<Vec<ObjectId>> =
            tips.seen.as_deref().map(|listing| from_listing(listing).tips().collect());
        let beginning = (repository.importing != 0).then(|| since::from_text(&repository.since));
        let pinned = tips.goal.as_deref().map(from_listing);
        let select = |goal: Refs, seen: Option<Vec<ObjectId>>| {
            let checkout = Arc::clone(&look.checkout);
            async move {
                let selected =
                    blocking(&self.stop, move |_| select(&checkout, &goal, beginning, seen.as_deref()));
                selected.await.ok_or(ImportError::Lost)
            }
        };
        if let Some(goal) = pinned {
            match select(goal.clone(), seen.clone()).await? {
                Ok((commits, false)) => return Ok(Plan { goal, pinned: true, commits }),
                // A force push and garbage collection have taken the goal away, or what was seen.
                Ok((_, true)) | Err(GitError::Tip { .. } | GitError::Missing { .. }) => {}
                Err(error) => return Err(at(error)),
            }
        }
        let goal = look.refs.clone();
        let (mut commits, forgotten) = select(goal.clone(), seen.clone()).await?.map_err(at)?;
        if forgotten {
            // What was seen is gone; what was imported still tells where new commits begin.
            let mut known = self.known(repository).await?;
            known.extend(seen.into_iter().flatten());
            (commits, _) = select(goal.clone(), Some(known)).await?.map_err(at)?;
        }
        Ok(Plan { goal, pinned: false, commits })
    }

    async fn known(&self, repository: &Repository) -> Result<Vec<ObjectId>, ImportError> {
        let mut known = Vec::new();
        let mut after = 0;
        loop {
            let mut tx = self.units.read().await?;
            let some = store::known_commits(&mut tx, &repository.id, after, KNOWN).await?;
            let Some((last, _)) = some.last() else { return Ok(known) };
            after = *last;
            known.extend(some.iter().filter_map(|(_, commit)| commit.parse::<ObjectId>().ok()));
        }
    }
}

/// The commits to import, parents before children, and whether some of `seen` are gone. `beginning` is where history
/// begins that was asked for and is not imported yet.
fn select(
    checkout: &Checkout,
    goal: &Refs,
    beginning: Option<Since>,
    seen: Option<&[ObjectId]>,
) -> Result<(Vec<Listed>, bool), GitError> {
    // Once a repository is watched, everything new counts, however far back its branches began.
    let new = seen.map(|seen| checkout.history(goal, Since::All, seen)).transpose()?;
    let Some(beginning) = beginning else {
        let new = new.unwrap_or_default();
        return Ok((new.commits, !new.forgotten.is_empty()));
    };
    let asked = checkout.history(goal, beginning, &[])?.commits;
    let Some(new) = new.filter(|new| new.forgotten.is_empty()) else { return Ok((asked, false)) };
    // With a commit, `asked` has all its children, so what only `new` has goes first.
    let chosen: HashSet<ObjectId> = asked.iter().map(|listed| listed.id).collect();
    let mut commits = new.commits;
    commits.retain(|listed| !chosen.contains(&listed.id));
    commits.extend(asked);
    Ok((commits, false))
}

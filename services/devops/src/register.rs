//! Begins to watch a repository.

use std::{path::Path, path::PathBuf, sync::Arc};

use septet_chassis::{RequestKey, contract::Cause};
use septet_proto_devops::v1::{ImportCommits, RegisterRepositoryResponse};

use crate::{
    Devops, compose,
    error::Error,
    git::{Checkout, GitError, Location, Since},
    ids, since,
    store::{self, NewRepository},
    watch::queued_until,
};

/// Where history is to begin, as the caller says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    Since(Since),
    /// A commit's hash, or its beginning.
    Commit(String),
}

/// A repository that was found to be one.
struct Resolved {
    location: Location,
    since: Option<Since>,
}

impl Devops {
    /// Registers the repository at `location` and queues its import. Registering it again is no error, and imports more
    /// where `beginning` selects more.
    pub(crate) async fn register(
        &self,
        key: Option<RequestKey>,
        location: String,
        beginning: Option<Beginning>,
    ) -> Result<RegisterRepositoryResponse, Error> {
        if key.is_some() {
            // Before the repository is looked at, which may be gone by now.
            let mut cx = self.units.begin(Cause::default());
            if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
                return Ok(reply);
            }
        }
        let roots: Arc<[PathBuf]> = self.settings.local_roots.clone().into();
        let resolved = tokio::task::spawn_blocking(move || resolve(&location, beginning, &roots));
        let Resolved { location, since } = resolved.await.map_err(|_| Error::Lost)??;

        let mut cx = self.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let (now, until) = (cx.now().micros(), queued_until(cx.now()));
        let id = ids::repository_id(&location).to_string();
        let new = NewRepository {
            id: &id,
            name: &location.name(),
            location: &location.to_string(),
            since: &since::to_text(since.unwrap_or(since::DEFAULT)),
            now,
            queued_until: until,
        };
        let mut repository = store::register(cx.tx().await?, &new).await?;
        if since.is_some_and(|asked| since::widens(since::from_text(&repository.since), asked)) {
            store::widen(cx.tx().await?, &id, new.since).await?;
            repository.importing = 1;
        }
        cx.enqueue(&ImportCommits { repository_id: id })?;
        let reply = RegisterRepositoryResponse { repository: Some(compose::repository(repository)) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }
}

/// Reads what is on this machine; what is behind a URL is fetched by the import.
fn resolve(location: &str, beginning: Option<Beginning>, roots: &[PathBuf]) -> Result<Resolved, Error> {
    let location = Location::parse(location)?;
    let checkout = match &location {
        Location::Remote(_) => None,
        Location::Local(path) => {
            if path.to_str().is_none() {
                return Err(GitError::Location("its path is not UTF-8").into());
            }
            if !roots.iter().any(|root| is_below(path, root)) {
                return Err(Error::Closed(location.to_string()));
            }
            let checkout = Checkout::open(path)?;
            checkout.refs()?;
            Some(checkout)
        }
    };
    let since = match (beginning, &checkout) {
        (None, _) => None,
        (Some(Beginning::Since(since)), _) => Some(since),
        (Some(Beginning::Commit(prefix)), Some(checkout)) => {
            Some(Since::Commit(checkout.find_commit(&prefix)?))
        }
        (Some(Beginning::Commit(hash)), None) => {
            let commit = hash.parse().map_err(|_| Error::Field {
                field: "commit",
                problem: "must be a full hash of 40 characters for a repository behind a URL".to_owned(),
            })?;
            Some(Since::Commit(commit))
        }
    };
    Ok(Resolved { location, since })
}

fn is_below(path: &Path, root: &Path) -> bool {
    // A root may be a symbolic link; locations are not.
    root.canonicalize().is_ok_and(|root| path.starts_with(root))
}

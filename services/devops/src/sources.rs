//! From a registered repository to one that can be read: itself where it is on this machine, else its mirror.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use crate::git::{Checkout, FetchLimits, GitError, Location, Mirror, ObjectId};

/// Opens repositories. Everything here blocks.
pub(crate) struct Sources {
    /// Directory of the mirrors.
    cache: PathBuf,
    limits: FetchLimits,
    /// One for each repository, so that two fetches of it cannot write beside each other.
    mirrors: Mutex<HashMap<String, Arc<Mirror>>>,
}

/// True if a registered location is a URL.
pub(crate) fn is_remote(location: &str) -> bool {
    !location.starts_with('/')
}

impl Sources {
    /// With mirrors below `cache`.
    pub fn new(cache: PathBuf, limits: FetchLimits) -> Self {
        Self { cache, limits, mirrors: Mutex::default() }
    }

    /// The repository as it is now; fetches where it is behind a URL, until done or `interrupt`.
    pub fn current(&self, id: &str, location: &str, interrupt: &AtomicBool) -> Result<Checkout, GitError> {
        match self.mirror(id, location)? {
            None => Checkout::open(Path::new(location)),
            Some(mirror) => {
                mirror.fetch(self.limits, interrupt)?;
                mirror.checkout()
            }
        }
    }

    /// The repository with a commit in it; fetches only where that is missing, as on a replica that has not imported it.
    pub fn holding(
        &self,
        id: &str,
        location: &str,
        commit: ObjectId,
        interrupt: &AtomicBool,
    ) -> Result<Checkout, GitError> {
        let has = |checkout: &Checkout| match checkout.commit(commit) {
            Ok(_) => Ok(true),
            Err(GitError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        };
        self.with(id, location, has, interrupt)
    }

    /// The repository; fetches it only where it lacks what `has` looks for.
    pub fn with(
        &self,
        id: &str,
        location: &str,
        has: impl Fn(&Checkout) -> Result<bool, GitError>,
        interrupt: &AtomicBool,
    ) -> Result<Checkout, GitError> {
        let Some(mirror) = self.mirror(id, location)? else {
            return Checkout::open(Path::new(location));
        };
        let checkout = mirror.checkout()?;
        if has(&checkout)? {
            return Ok(checkout);
        }
        mirror.fetch(self.limits, interrupt)?;
        mirror.checkout()
    }

    fn mirror(&self, id: &str, location: &str) -> Result<Option<Arc<Mirror>>, GitError> {
        if !is_remote(location) {
            return Ok(None);
        }
        let Location::Remote(url) = Location::parse(location)? else { return Ok(None) };
        let mut mirrors = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mirror) = mirrors.get(id) {
            return Ok(Some(Arc::clone(mirror)));
        }
        let mirror = Arc::new(Mirror::open(&self.cache, id, url)?);
        mirrors.insert(id.to_owned(), Arc::clone(&mirror));
        Ok(Some(mirror))
    }
}

//! Branches and where they point.

use gix::ObjectId;
use gix::bstr::ByteSlice;

use super::error::reason;
use super::limits::BRANCHES;
use super::{Checkout, GitError};

/// A branch and its newest commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Full ref name, for example `refs/heads/main`; `HEAD` where it is detached.
    pub name: String,
    /// The commit it points to.
    pub tip: ObjectId,
}

/// All branches of a repository at one moment, in order of preference: the branch of HEAD, `main`, `master`, then by
/// name, and a detached HEAD last. Two equal values mean that nothing moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refs {
    /// The branches; none in a repository without commits.
    pub branches: Vec<Branch>,
}

impl Refs {
    /// The commits that branches point to, each once per branch.
    pub fn tips(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.branches.iter().map(|branch| branch.tip)
    }
}

impl Checkout {
    /// Lists `refs/heads/*`, and HEAD where it is detached. Remote-tracking branches and tags are not followed. Reads no
    /// objects, so that it can be asked every second.
    pub fn refs(&self) -> Result<Refs, GitError> {
        let objects = self.objects();
        let repository = &objects.repository;
        let failed =
            |error: gix::Error| GitError::Refs { repository: self.name().to_owned(), reason: reason(&error) };
        let head = repository.head().map_err(failed)?;
        let (head_branch, detached) = match &head.kind {
            gix::head::Kind::Symbolic(reference) => (reference.name.as_bstr().to_owned(), None),
            gix::head::Kind::Unborn(name) => (name.as_bstr().to_owned(), None),
            gix::head::Kind::Detached { target, .. } => (Default::default(), Some(*target)),
        };
        let mut found = Vec::new();
        let platform = repository.references().map_err(failed)?;
        for reference in platform.local_branches().map_err(failed)? {
            let reference = reference.map_err(failed)?;
            // A symbolic branch is another name for a branch that is listed anyway.
            let Some(tip) = reference.try_id() else { continue };
            let name = reference.name().as_bstr();
            let rank = match name {
                name if *name == head_branch => 0,
                name if name == "refs/heads/main" => 1,
                name if name == "refs/heads/master" => 2,
                _ => 3,
            };
            found.push((rank, Branch { name: name.to_str_lossy().into_owned(), tip: tip.detach() }));
            if found.len() > BRANCHES {
                return Err(GitError::TooMany {
                    repository: self.name().to_owned(),
                    limit: BRANCHES,
                    what: "branches",
                    way_out: "delete those that are no longer needed",
                });
            }
        }
        found.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
        let mut branches: Vec<Branch> = found.into_iter().map(|(_, branch)| branch).collect();
        branches.extend(detached.map(|tip| Branch { name: "HEAD".to_owned(), tip }));
        Ok(Refs { branches })
    }
}

//! A commit with what it changed, in one pass.

use std::collections::HashSet;
use std::io::Write;

use gix::ObjectId;

use super::change::{CommitInfo, Described};
use super::patch::Patch;
use super::{Checkout, DiffLimits, GitError, commit, rename, tree};

impl Checkout {
    /// The commit without its files.
    pub fn commit(&self, id: ObjectId) -> Result<CommitInfo, GitError> {
        self.objects().commit(id, |decoded| commit::info(id, decoded))
    }

    /// The commit whose hash begins with `prefix`, hexadecimal digits of which there are 4 at least.
    pub fn find_commit(&self, prefix: &str) -> Result<ObjectId, GitError> {
        let objects = self.objects();
        let unknown = || GitError::Prefix {
            repository: self.name().to_owned(),
            prefix: prefix.chars().take(40).collect(),
        };
        let parsed = gix::hash::Prefix::from_hex(prefix).map_err(|_| unknown())?;
        let mut found = HashSet::new();
        objects.repository.objects.lookup_prefix(parsed, Some(&mut found)).map_err(|_| unknown())?;
        // Other objects may begin alike.
        let mut commits = found.into_iter().filter(|id| objects.commit(*id, |_| ()).is_ok());
        match (commits.next(), commits.next()) {
            (Some(commit), None) => Ok(commit),
            _ => Err(unknown()),
        }
    }

    /// The commit with its files, while its diff against the first parent is written to `diff` in git's format.
    /// `.gitattributes` and the repository's configuration have no say, so the same commit gives the same bytes
    /// everywhere. Give [`std::io::sink`] to have the files alone.
    pub fn describe(
        &self,
        id: ObjectId,
        limits: &DiffLimits,
        diff: &mut dyn Write,
    ) -> Result<Described, GitError> {
        let objects = self.objects();
        let (info, new) = objects.commit(id, |decoded| (commit::info(id, decoded), decoded.tree()))?;
        let boundary = objects.shallow()?.binary_search(&id).is_ok();
        let base = info.parents.first().copied().filter(|_| !boundary);
        let old = base.map(|base| objects.commit(base, |decoded| decoded.tree())).transpose()?;
        let mut deltas = tree::compare(&objects, old, Some(new))?;
        rename::detect(&objects, &mut deltas.list, limits)?;
        let mut patch = Patch {
            objects: &objects,
            limits,
            commit: id,
            sink: diff,
            written: 0,
            left_out: deltas.uncounted,
            ended: false,
        };
        let mut files = Vec::with_capacity(deltas.list.len().min(limits.files));
        for delta in &deltas.list {
            let file = patch.file(delta)?;
            if files.len() < limits.files {
                files.push(file);
            }
        }
        Ok(Described {
            commit: info,
            base,
            files,
            files_total: (deltas.list.len() as u32).saturating_add(deltas.uncounted),
            diff_bytes: patch.written,
            left_out: patch.left_out,
        })
    }
}

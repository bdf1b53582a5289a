//! What was read before: neighbouring commits have most of it in common.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

use super::{BYTES, Listed, rules};
use crate::git::{Contents, GitError, ObjectId};

/// Commits that are remembered: parents come shortly before their children.
const COMMITS: usize = 2_000;
/// Contents that are remembered, in bytes.
const CONTENT_BYTES: usize = 4 << 20;
/// Files of which is remembered what they are.
const KINDS: usize = 50_000;

/// Bounded; what it has forgotten is read again.
#[derive(Default)]
pub(crate) struct Cache {
    listed: HashMap<ObjectId, Arc<Listed>>,
    /// The commits, oldest first.
    order: VecDeque<ObjectId>,
    kubernetes: HashMap<ObjectId, bool>,
    contents: HashMap<ObjectId, Bytes>,
    bytes: usize,
}

impl Cache {
    pub(super) fn listed(&self, commit: ObjectId) -> Option<Arc<Listed>> {
        self.listed.get(&commit).cloned()
    }

    pub(super) fn remember(&mut self, commit: ObjectId, listed: Arc<Listed>) {
        if self.listed.insert(commit, listed).is_none() {
            self.order.push_back(commit);
        }
        if self.order.len() > COMMITS
            && let Some(oldest) = self.order.pop_front()
        {
            self.listed.remove(&oldest);
        }
    }

    /// A file's content.
    pub(super) fn content(
        &mut self,
        contents: &Contents,
        blob: ObjectId,
        limit: u64,
    ) -> Result<Bytes, GitError> {
        if let Some(content) = self.contents.get(&blob) {
            return Ok(content.clone());
        }
        let content = Bytes::from(contents.read(blob, limit)?);
        if self.bytes + content.len() > CONTENT_BYTES {
            self.contents.clear();
            self.bytes = 0;
        }
        self.bytes += content.len();
        self.contents.insert(blob, content.clone());
        Ok(content)
    }

    /// True if a file's content is that of a Kubernetes manifest.
    pub(super) fn is_kubernetes(&mut self, contents: &Contents, blob: ObjectId) -> Result<bool, GitError> {
        if let Some(known) = self.kubernetes.get(&blob) {
            return Ok(*known);
        }
        let is = rules::is_kubernetes(&self.content(contents, blob, BYTES as u64)?);
        if self.kubernetes.len() >= KINDS {
            self.kubernetes.clear();
        }
        self.kubernetes.insert(blob, is);
        Ok(is)
    }
}

//! Which files differ between two trees.

use std::cmp::Ordering;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteVec};
use gix::object::Kind;
use gix::objs::TreeRef;
use gix::objs::tree::{EntryKind, EntryRef, name_order};

use super::GitError;
use super::error::reason;
use super::limits::{CHANGES, TREE_BYTES, TREE_DEPTH};
use super::objects::Objects;

/// One version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
}

impl Version {
    /// A file with content of its own, executable or not.
    pub(super) fn is_regular(self) -> bool {
        matches!(self.kind, EntryKind::Blob | EntryKind::BlobExecutable)
    }

    /// Whether both are files, or both links, or both submodules.
    pub(super) fn same_type(self, other: Self) -> bool {
        self.kind == other.kind || self.is_regular() && other.is_regular()
    }
}

/// Where a renamed file came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) path: BString,
    /// Similarity in per cent.
    pub(super) similarity: u32,
}

/// A file that differs. At least one version is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delta {
    pub(super) path: BString,
    pub(super) old: Option<Version>,
    pub(super) new: Option<Version>,
    pub(super) origin: Option<Origin>,
}

/// Files that differ, in git's order of paths.
#[derive(Default)]
pub(super) struct Deltas {
    pub(super) list: Vec<Delta>,
    /// Files beyond what is listed.
    pub(super) uncounted: u32,
}

/// Compares two trees; `None` is the empty tree.
pub(super) fn compare(
    objects: &Objects,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Deltas, GitError> {
    let mut walk = Walk { objects, path: BString::default(), found: Deltas::default(), root: new.or(old) };
    walk.folder(old, new, 0)?;
    Ok(walk.found)
}

struct Walk<'a> {
    objects: &'a Objects,
    path: BString,
    found: Deltas,
    root: Option<ObjectId>,
}

impl Walk<'_> {
    fn folder(&mut self, old: Option<ObjectId>, new: Option<ObjectId>, depth: usize) -> Result<(), GitError> {
        if old == new {
            return Ok(());
        }
        if depth > TREE_DEPTH {
            let id = self.root.or(new).or(old).unwrap_or_else(|| ObjectId::null(gix::hash::Kind::Sha1));
            let reason = format!("directories are nested deeper than {TREE_DEPTH}");
            return Err(self.objects.corrupt(Kind::Tree, id, reason));
        }
        let (old_data, new_data) = (self.read(old)?, self.read(new)?);
        let (old_entries, new_entries) = (self.decode(old, &old_data)?, self.decode(new, &new_data)?);
        let mut left = old_entries.iter().peekable();
        let mut right = new_entries.iter().peekable();
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => name_order(a.filename, a.mode.is_tree(), b.filename, b.mode.is_tree()),
            };
            let a = if order == Ordering::Greater { None } else { left.next() };
            let b = if order == Ordering::Less { None } else { right.next() };
            self.entry(a, b, depth)?;
        }
    }

    /// Compares two entries of one name and, as the order of names sees to, both folders or neither.
    fn entry(
        &mut self,
        a: Option<&EntryRef<'_>>,
        b: Option<&EntryRef<'_>>,
        depth: usize,
    ) -> Result<(), GitError> {
        let Some(any) = a.or(b) else { return Ok(()) };
        let length = self.path.len();
        self.push(any.filename);
        if any.mode.is_tree() {
            let id = |entry: Option<&EntryRef<'_>>| entry.map(|entry| entry.oid.to_owned());
            self.path.push_byte(b'/');
            self.folder(id(a), id(b), depth + 1)?;
        } else {
            let version =
                |entry: &EntryRef<'_>| Version { kind: entry.mode.kind(), id: entry.oid.to_owned() };
            let (old, new) = (a.map(version), b.map(version));
            if old != new {
                self.add(old, new);
            }
        }
        self.path.truncate(length);
        Ok(())
    }

    fn add(&mut self, old: Option<Version>, new: Option<Version>) {
        if self.found.list.len() < CHANGES {
            self.found.list.push(Delta { path: self.path.clone(), old, new, origin: None });
        } else {
            self.found.uncounted = self.found.uncounted.saturating_add(1);
        }
    }

    fn push(&mut self, name: &BStr) {
        self.path.push_str(name);
    }

    fn read(&self, id: Option<ObjectId>) -> Result<Vec<u8>, GitError> {
        match id {
            // Git treats the empty tree as always there.
            Some(id) if !id.is_empty_tree() => self.objects.read(Kind::Tree, id, TREE_BYTES),
            _ => Ok(Vec::new()),
        }
    }

    fn decode<'d>(&self, id: Option<ObjectId>, data: &'d [u8]) -> Result<Vec<EntryRef<'d>>, GitError> {
        let Some(id) = id else { return Ok(Vec::new()) };
        let tree = TreeRef::from_bytes(data, id.kind());
        Ok(tree.map_err(|error| self.objects.corrupt(Kind::Tree, id, reason(&error)))?.entries)
    }
}

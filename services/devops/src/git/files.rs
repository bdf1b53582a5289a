//! Every file of a commit's tree, and the contents of files.

use std::ops::ControlFlow;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice, ByteVec};
use gix::object::Kind;
use gix::objs::TreeRef;
use gix::objs::tree::EntryKind;

use super::error::reason;
use super::limits::{TREE_BYTES, TREE_DEPTH, TREE_FILES};
use super::objects::Objects;
use super::{Checkout, GitError};

/// What a file of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    Regular,
    /// A file that may be executed.
    Executable,
    /// A symbolic link, whose content is its target.
    Link,
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path from the root. Bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Hash of its content.
    pub blob: ObjectId,
    /// What it is.
    pub kind: FileKind,
}

/// Contents of a repository's files. One thread's view of them.
pub struct Contents {
    objects: Objects,
}

impl Contents {
    /// Bytes of a file's content, which is not read for that.
    ///
    /// # Errors
    /// [`GitError::Missing`] or [`GitError::Corrupt`].
    pub fn size(&self, blob: ObjectId) -> Result<u64, GitError> {
        self.objects.size(Kind::Blob, blob)
    }

    /// Bytes of a file's content; `None` if there is no such file.
    ///
    /// # Errors
    /// [`GitError::Corrupt`].
    pub fn find(&self, blob: ObjectId) -> Result<Option<u64>, GitError> {
        let found = self.objects.repository.try_find_header(blob);
        let header = found.map_err(|error| self.objects.corrupt(Kind::Blob, blob, reason(&error)))?;
        // What a caller asks for may be the id of something else.
        Ok(header.filter(|header| header.kind() == Kind::Blob).map(|header| header.size()))
    }

    /// A file's content.
    ///
    /// # Errors
    /// [`GitError::Content`] if it has more than `limit` bytes, [`GitError::Missing`] or [`GitError::Corrupt`].
    pub fn read(&self, blob: ObjectId, limit: u64) -> Result<Vec<u8>, GitError> {
        self.objects.read(Kind::Blob, blob, limit).map_err(|error| match error {
            GitError::TooLarge { repository, id, size, limit, .. } => {
                GitError::Content { repository, id, size, limit }
            }
            other => other,
        })
    }
}

impl Checkout {
    /// The contents of its files.
    pub fn contents(&self) -> Contents {
        Contents { objects: self.objects() }
    }

    /// The first parent of a commit; `None` for a root commit and at the boundary of a shallow clone.
    ///
    /// # Errors
    /// [`GitError::Missing`] or [`GitError::Corrupt`].
    pub fn first_parent(&self, commit: ObjectId) -> Result<Option<ObjectId>, GitError> {
        let objects = self.objects();
        let parent = objects.commit(commit, |decoded| decoded.parents().next())?;
        Ok(parent.filter(|_| objects.shallow().is_ok_and(|shallow| shallow.binary_search(&commit).is_err())))
    }

    /// Hands every file of a commit's tree to `visit`, in git's order of paths, until that breaks. Submodules are no files.
    ///
    /// # Errors
    /// [`GitError::TooMany`] after a million files; [`GitError::Missing`] or [`GitError::Corrupt`].
    pub fn visit_files(
        &self,
        commit: ObjectId,
        visit: &mut dyn FnMut(TreeFile) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let objects = self.objects();
        let tree = objects.commit(commit, |decoded| decoded.tree())?;
        let mut walk = Walk { objects: &objects, path: BString::default(), visited: 0, visit };
        walk.folder(tree, 0).map(drop)
    }

    /// Every file of a commit's tree.
    ///
    /// # Errors
    /// As [`Checkout::visit_files`].
    pub fn files(&self, commit: ObjectId) -> Result<Vec<TreeFile>, GitError> {
        let mut files = Vec::new();
        self.visit_files(commit, &mut |file| {
            files.push(file);
            ControlFlow::Continue(())
        })?;
        Ok(files)
    }

    /// The file of that name at the root of a commit's tree.
    ///
    /// # Errors
    /// [`GitError::Missing`] or [`GitError::Corrupt`].
    pub fn root_file(&self, commit: ObjectId, name: &str) -> Result<Option<ObjectId>, GitError> {
        let objects = self.objects();
        let tree = objects.commit(commit, |decoded| decoded.tree())?;
        let data = read_tree(&objects, tree)?;
        let entries = TreeRef::from_bytes(&data, tree.kind())
            .map_err(|error| objects.corrupt(Kind::Tree, tree, reason(&error)))?
            .entries;
        let found = entries.iter().find(|entry| entry.filename == name.as_bytes() && entry.mode.is_blob());
        Ok(found.map(|entry| entry.oid.to_owned()))
    }
}

struct Walk<'a> {
    objects: &'a Objects,
    path: BString,
    visited: usize,
    visit: &'a mut dyn FnMut(TreeFile) -> ControlFlow<()>,
}

impl Walk<'_> {
    fn folder(&mut self, tree: ObjectId, depth: usize) -> Result<ControlFlow<()>, GitError> {
        if depth > TREE_DEPTH {
            let reason = format!("directories are nested deeper than {TREE_DEPTH}");
            return Err(self.objects.corrupt(Kind::Tree, tree, reason));
        }
        let data = read_tree(self.objects, tree)?;
        let decoded = TreeRef::from_bytes(&data, tree.kind());
        let entries =
            decoded.map_err(|error| self.objects.corrupt(Kind::Tree, tree, reason(&error)))?.entries;
        for entry in entries {
            let length = self.path.len();
            self.path.push_str(entry.filename);
            let id = entry.oid.to_owned();
            let went_on = match entry.mode.kind() {
                EntryKind::Tree => {
                    self.path.push_byte(b'/');
                    self.folder(id, depth + 1)?
                }
                EntryKind::Commit => ControlFlow::Continue(()),
                EntryKind::Blob => self.file(id, FileKind::Regular)?,
                EntryKind::BlobExecutable => self.file(id, FileKind::Executable)?,
                EntryKind::Link => self.file(id, FileKind::Link)?,
            };
            self.path.truncate(length);
            if went_on.is_break() {
                return Ok(went_on);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn file(&mut self, blob: ObjectId, kind: FileKind) -> Result<ControlFlow<()>, GitError> {
        if self.visited >= TREE_FILES {
            return Err(GitError::TooMany {
                repository: self.objects.name.clone(),
                limit: TREE_FILES,
                what: "files in one commit",
                way_out: "its trees are not listed",
            });
        }
        self.visited += 1;
        Ok((self.visit)(TreeFile { path: self.path.to_str_lossy().into_owned(), blob, kind }))
    }
}

fn read_tree(objects: &Objects, tree: ObjectId) -> Result<Vec<u8>, GitError> {
    // Git treats the empty tree as always there.
    if tree.is_empty_tree() { Ok(Vec::new()) } else { objects.read(Kind::Tree, tree, TREE_BYTES) }
}

//! Trees from a directory or a git repository.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use septet_docs::{
    api::Api,
    resolve::{self, Files},
    source::{Dialect, Reader, is_foreign},
};

/// Bytes of a file at most.
const MAX_FILE: u64 = 1 << 20;
/// Files at most.
const MAX_FILES: usize = 20_000;

/// Files that say something of an API.
pub struct Tree {
    pub files: Files,
    /// Files that could not be read, with the reason.
    pub unread: Vec<(String, String)>,
}

impl Tree {
    /// Its API.
    pub fn api(&self) -> Api {
        resolve::api(&self.files)
    }

    fn read(texts: Vec<(String, Dialect, Vec<u8>)>) -> anyhow::Result<Self> {
        if texts.len() > MAX_FILES {
            bail!("there are more than {MAX_FILES} files to read");
        }
        let given: Vec<(Dialect, &[u8])> =
            texts.iter().map(|(_, dialect, text)| (*dialect, text.as_slice())).collect();
        let read = Reader { max_file_bytes: MAX_FILE }.read_all(&given).context("cannot read the files")?;
        let mut tree = Self { files: Files::new(), unread: Vec::new() };
        for ((path, _, _), facts) in texts.into_iter().zip(read) {
            match facts {
                Ok(facts) => {
                    tree.files.insert(path, Arc::new(facts));
                }
                Err(reason) => tree.unread.push((path, reason)),
            }
        }
        Ok(tree)
    }
}

/// The files of a directory, without what `.gitignore` names.
pub fn of_directory(root: &Path) -> anyhow::Result<Tree> {
    if !root.is_dir() {
        bail!("{} is not a directory", root.display());
    }
    let mut texts = Vec::new();
    let package = package_name(root);
    // A directory need not be a checkout to have a `.gitignore`.
    for entry in ignore::WalkBuilder::new(root).require_git(false).sort_by_file_path(Ord::cmp).build() {
        let entry = entry.context("cannot walk the directory")?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = package.join(entry.path().strip_prefix(root).unwrap_or(entry.path()));
        let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        if let Some(dialect) = Dialect::of(&path).filter(|_| !is_foreign(&path)) {
            let mut text = Vec::new();
            let read =
                File::open(entry.path()).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
            read.with_context(|| format!("cannot read {}", entry.path().display()))?;
            texts.push((path, dialect, text));
        }
    }
    Tree::read(texts)
}

/// The name of a directory that is a Python package itself, whose modules are named after it; else nothing.
fn package_name(root: &Path) -> PathBuf {
    let is_package = ["__init__.py", "__init__.pyi"].iter().any(|file| root.join(file).is_file());
    let name = || Some(PathBuf::from(root.canonicalize().ok()?.file_name()?));
    is_package.then(name).flatten().unwrap_or_default()
}

/// The trees of two commits.
pub fn of_commits(path: &Path, base: &str, head: &str) -> anyhow::Result<(Tree, Tree)> {
    // Nothing outside the repository configures how it is read, and its own configuration can run no command.
    let opened = gix::open::Options::isolated().open(path);
    let opened = opened.with_context(|| format!("{} is not a git repository", path.display()))?;
    let repository = opened.to_thread_local();
    Ok((of_commit(&repository, base)?, of_commit(&repository, head)?))
}

fn of_commit(repository: &gix::Repository, name: &str) -> anyhow::Result<Tree> {
    let found = || -> anyhow::Result<gix::Tree<'_>> {
        Ok(repository.rev_parse_single(name)?.object()?.peel_to_tree()?)
    };
    let tree = found().with_context(|| format!("there is no commit `{name}`"))?;
    let mut texts = Vec::new();
    for entry in tree.traverse().breadthfirst.files().context("cannot read the tree")? {
        let path = entry.filepath.to_string();
        let Some(dialect) = Dialect::of(&path).filter(|_| entry.mode.is_blob() && !is_foreign(&path)) else {
            continue;
        };
        let size = repository.find_header(entry.oid).with_context(|| format!("cannot read {path}"))?.size();
        let text = if size > MAX_FILE {
            // One byte over the limit is enough to know.
            vec![b' '; usize::try_from(MAX_FILE)? + 1]
        } else {
            repository.find_object(entry.oid).with_context(|| format!("cannot read {path}"))?.data.clone()
        };
        texts.push((path, dialect, text));
    }
    Tree::read(texts)
}

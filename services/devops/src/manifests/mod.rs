//! What a commit deploys, and what its repository asks of Septet: read from its tree, with as little reading as may be.
//!
//! Everything here reads a repository, so it is called where blocking is allowed. What cannot be read is counted, and never
//! an error: the change is published all the same.

mod cache;
pub mod rules;

use std::{collections::BTreeMap, sync::Arc};

use septet_proto_devops::v1::{RepositoryFile, RepositorySettings};

pub(crate) use cache::Cache;

use crate::{
    git::{Checkout, Contents, FileChange, FileKind, GitError, ObjectId},
    settings,
};

/// Bytes of the manifests of an event at most, those of the parent included. With the files and the diff it keeps an event
/// below what brokers take.
pub(crate) const BYTES: usize = 256 << 10;
/// Bytes that a file costs besides its path and content.
const FILE_BYTES: usize = 64;

/// A manifest of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub path: String,
    pub blob: ObjectId,
}

/// What a tree says of both.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    manifests: Vec<Manifest>,
    settings: RepositorySettings,
    /// Manifests, or trees of them, that could not be read.
    unread: u32,
}

/// What an event says of what a change deploys.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Deployed {
    pub manifests: Vec<RepositoryFile>,
    pub parent_manifests: Vec<RepositoryFile>,
    pub unchanged: bool,
    pub left_out: u32,
    pub settings: RepositorySettings,
}

/// A commit, and what is known of how it differs from its first parent.
pub(crate) struct Step<'a> {
    pub commit: ObjectId,
    pub parent: Option<ObjectId>,
    /// All files that differ; `None` where they are not all known.
    pub files: Option<&'a [FileChange]>,
}

/// What a commit deploys.
pub(crate) fn deployed(checkout: &Checkout, cache: &mut Cache, step: &Step<'_>) -> Deployed {
    let contents = checkout.contents();
    let mut listed = |commit| {
        let found = cache.listed(commit);
        found.unwrap_or_else(|| {
            let listed = Arc::new(list(checkout, &contents, cache, commit));
            cache.remember(commit, Arc::clone(&listed));
            listed
        })
    };
    let parent = step.parent.map(&mut listed);
    let after = match (&parent, step.files) {
        (Some(parent), Some(files)) if !files.iter().any(touches) => Arc::clone(parent),
        _ => listed(step.commit),
    };
    cache.remember(step.commit, Arc::clone(&after));
    let unchanged = parent.as_ref().is_some_and(|parent| parent.manifests == after.manifests);
    let before = parent.filter(|_| !unchanged);
    let mut deployed = Deployed {
        unchanged,
        left_out: after.unread,
        settings: after.settings.clone(),
        ..Deployed::default()
    };
    let mut versions: BTreeMap<&str, [Option<ObjectId>; 2]> = BTreeMap::new();
    for manifest in &after.manifests {
        versions.entry(&manifest.path).or_default()[0] = Some(manifest.blob);
    }
    for manifest in before.iter().flat_map(|before| &before.manifests) {
        versions.entry(&manifest.path).or_default()[1] = Some(manifest.blob);
    }
    let mut room = BYTES;
    for (path, blobs) in versions {
        // Both versions or none: a difference in price must not come from a limit.
        match both(&contents, cache, path, blobs, &mut room) {
            Some([now, then]) => {
                deployed.manifests.extend(now);
                deployed.parent_manifests.extend(then);
            }
            None => deployed.left_out = deployed.left_out.saturating_add(1),
        }
    }
    deployed
}

/// True if the change of a file may change what is deployed or asked for.
fn touches(file: &FileChange) -> bool {
    let path = |path: &str| path == settings::FILE || rules::may_be(path);
    path(&file.path) || file.previous_path.as_deref().is_some_and(path)
}

/// The two versions of a file, if there is room for them and both can be read.
fn both(
    contents: &Contents,
    cache: &mut Cache,
    path: &str,
    blobs: [Option<ObjectId>; 2],
    room: &mut usize,
) -> Option<[Option<RepositoryFile>; 2]> {
    let mut left = *room;
    let mut files = [None, None];
    for (file, blob) in files.iter_mut().zip(blobs) {
        let Some(blob) = blob else { continue };
        let content = cache.content(contents, blob, left as u64).ok()?;
        left = left.checked_sub(content.len() + path.len() + FILE_BYTES)?;
        *file = Some(RepositoryFile { path: path.to_owned(), blob: blob.to_string(), content });
    }
    *room = left;
    Some(files)
}

/// Reads what a commit's tree says.
fn list(checkout: &Checkout, contents: &Contents, cache: &mut Cache, commit: ObjectId) -> Listed {
    let mut listed = Listed { settings: settings_of(checkout, contents, commit), ..Listed::default() };
    let files = match checkout.files(commit) {
        Ok(files) => files,
        Err(error) => {
            tracing::debug!(%error, "a tree cannot be searched for manifests");
            listed.unread = 1;
            return listed;
        }
    };
    let regular: Vec<_> = files.iter().filter(|file| file.kind != FileKind::Link).collect();
    let paths: Vec<&str> = regular.iter().map(|file| file.path.as_str()).collect();
    let blobs: BTreeMap<&str, ObjectId> =
        regular.iter().map(|file| (file.path.as_str(), file.blob)).collect();
    for (path, kind) in rules::select(&paths) {
        let Some(&blob) = blobs.get(path) else { continue };
        let is_manifest = match kind {
            rules::Kind::Named => Ok(true),
            rules::Kind::Kubernetes => cache.is_kubernetes(contents, blob),
        };
        match is_manifest {
            Ok(true) => listed.manifests.push(Manifest { path: path.to_owned(), blob }),
            Ok(false) => {}
            // It may be one: nobody has looked.
            Err(_) => listed.unread = listed.unread.saturating_add(1),
        }
    }
    listed
}

fn settings_of(checkout: &Checkout, contents: &Contents, commit: ObjectId) -> RepositorySettings {
    let read = || -> Result<Option<Vec<u8>>, GitError> {
        let file = checkout.root_file(commit, settings::FILE)?;
        file.map(|blob| contents.read(blob, settings::BYTES)).transpose()
    };
    match read() {
        Ok(None) => RepositorySettings::default(),
        Ok(Some(content)) => settings::parse(&content),
        Err(error) => settings::unreadable(&error.to_string()),
    }
}

//! A commit of a registered repository as a tree.

use std::{collections::BTreeMap, sync::Arc};

use super::{Analysis, Contents, Entry, Limits};
use crate::{
    Devops,
    error::Error,
    git::{FileKind, ObjectId},
};

impl Devops {
    /// What a commit's tree is made of. Links do not count.
    ///
    /// # Errors
    /// The repository or the commit is not there, or cannot be read.
    pub(crate) async fn analyze(&self, repository_id: &str, commit: ObjectId) -> Result<Analysis, Error> {
        let rules = Arc::clone(&self.rules);
        let analyze = move |checkout: &crate::git::Checkout| {
            let limits = Limits::default();
            let git = checkout.contents();
            let mut blobs = BTreeMap::new();
            let mut files = Vec::new();
            for file in checkout.files(commit)? {
                if file.kind != FileKind::Link && !rules.ignores(&file.path) {
                    files.push(Entry { path: file.path.clone(), size: git.size(file.blob)? });
                    blobs.insert(file.path, file.blob);
                }
            }
            let wanted = rules.wanted(files, &limits);
            let mut contents = Contents::default();
            for path in &wanted.paths {
                if let Some(blob) = blobs.get(path) {
                    contents.insert(path.clone(), &git.read(*blob, limits.file_bytes)?);
                }
            }
            Ok(rules.analyze(wanted, &contents, &limits))
        };
        self.reading(repository_id, commit, analyze).await
    }
}

//! Folders that are projects of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::{claim::Claim, rules::Rules, source::Entry};

/// A folder that is a project of its own, or the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// From the tree's root; empty for that itself.
    pub path: String,
    /// Stacks that it is a project of.
    pub stacks: BTreeSet<String>,
    /// Stacks for which a folder above speaks for it, such as a workspace.
    pub member_of: BTreeSet<String>,
    /// True below a folder of examples.
    pub example: bool,
    /// What is said of it.
    pub claims: Vec<Claim>,
}

/// A component's files: those below it that no component further down has.
pub(super) struct Folder<'a> {
    /// Empty for the root, else with `/` at its end.
    pub prefix: String,
    /// Files directly in it.
    pub direct: Vec<&'a str>,
    /// All its files, with sizes.
    pub files: Vec<&'a Entry>,
}

impl Folder<'_> {
    pub fn path(&self) -> &str {
        self.prefix.trim_end_matches('/')
    }
}

/// The folder that a path is in, with `/` at its end; empty for the root.
pub(super) fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |end| &path[..=end])
}

/// The folders above one, nearest first, down to the root.
pub(super) fn above(prefix: &str) -> impl Iterator<Item = &str> {
    let mut at = Some(prefix);
    std::iter::from_fn(move || {
        let folder = at.filter(|folder| !folder.is_empty())?;
        let parent = folder_of(folder.trim_end_matches('/'));
        at = Some(parent);
        Some(parent)
    })
}

/// The folders of a tree that may be projects, the root first and at most `limit`; and how many more there are.
pub(super) fn folders<'a>(files: &'a [Entry], rules: &Rules, limit: usize) -> (Vec<Folder<'a>>, usize) {
    let marked = files.iter().filter(|file| rules.marks_project(&file.path));
    let mut prefixes: BTreeSet<&str> = marked.map(|file| folder_of(&file.path)).collect();
    prefixes.insert("");
    let mut ordered: Vec<&str> = prefixes.into_iter().collect();
    ordered.sort_by_key(|prefix| (prefix.matches('/').count(), *prefix));
    let more = ordered.len().saturating_sub(limit);
    ordered.truncate(limit.max(1));
    let mut by_prefix: BTreeMap<&str, Folder<'a>> = ordered
        .into_iter()
        .map(|prefix| (prefix, Folder { prefix: prefix.to_owned(), direct: Vec::new(), files: Vec::new() }))
        .collect();
    for file in files {
        let own = folder_of(&file.path);
        let mut candidates = std::iter::once(own).chain(above(own));
        let Some(owner) = candidates.find(|prefix| by_prefix.contains_key(prefix)) else { continue };
        if let Some(folder) = by_prefix.get_mut(owner) {
            folder.files.push(file);
            if owner == own {
                folder.direct.push(&file.path);
            }
        }
    }
    (by_prefix.into_values().collect(), more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_lead_up_to_the_root() {
        assert_eq!(above("a/b/c/").collect::<Vec<_>>(), ["a/b/", "a/", ""]);
        assert_eq!(above("").count(), 0);
        assert_eq!((folder_of("a/b"), folder_of("b")), ("a/", ""));
    }
}

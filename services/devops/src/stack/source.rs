//! A tree as the engine gets it: paths with sizes, and the contents of a few files.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use super::{
    analyze::LeftOut,
    document::{Format, Node},
};

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From the root, parted by `/`.
    pub path: String,
    /// Bytes of its content.
    pub size: u64,
}

/// How much is looked at. What lies beyond is named in the answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files of a tree.
    pub files: usize,
    /// Files that are read.
    pub read_files: usize,
    /// Bytes of a file that is read.
    pub file_bytes: u64,
    /// Bytes of all files that are read.
    pub read_bytes: u64,
    /// Components.
    pub components: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 200_000, read_files: 2_000, file_bytes: 1 << 20, read_bytes: 32 << 20, components: 500 }
    }
}

/// What the engine wants to read of a tree.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Files that count, by path: no vendored ones.
    pub files: Vec<Entry>,
    /// Paths to read, by depth.
    pub paths: Vec<String>,
    /// What a limit kept out.
    pub left_out: Vec<LeftOut>,
}

/// Contents of files that were read, parsed once each.
#[derive(Default)]
pub struct Contents {
    texts: BTreeMap<String, String>,
    documents: RefCell<HashMap<(String, Format), Parsed>>,
}

type Parsed = Rc<Result<Node, String>>;

impl Contents {
    /// Keeps what a file has. Bytes that are not UTF-8 are replaced.
    pub fn insert(&mut self, path: String, content: &[u8]) {
        self.texts.insert(path, String::from_utf8_lossy(content).into_owned());
    }

    /// How many files were read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True if none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    pub(super) fn document(&self, path: &str, format: Format) -> Option<Parsed> {
        let text = self.text(path)?;
        let mut documents = self.documents.borrow_mut();
        let parsed =
            documents.entry((path.to_owned(), format)).or_insert_with(|| Rc::new(format.parse(text)));
        Some(Rc::clone(parsed))
    }

    /// Files that a rule asked for as documents and that are none, by path.
    pub(super) fn unreadable(&self) -> Vec<LeftOut> {
        let documents = self.documents.borrow();
        let failed = documents.iter().filter_map(|((path, _), parsed)| {
            let reason = parsed.as_ref().as_ref().err()?.chars().take(300).collect();
            Some(LeftOut { path: path.clone(), reason })
        });
        let mut failed: Vec<LeftOut> = failed.collect();
        failed.sort();
        failed
    }
}

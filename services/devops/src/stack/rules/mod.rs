//! Rule files: what the engine knows of stacks.

mod builtin;
mod compile;
mod error;
mod format;

use std::{collections::BTreeMap, fs, path::Path};

use globset::GlobSet;
use sha2::{Digest, Sha256};

pub(crate) use compile::{Condition, Place, Rule, Template};
pub use error::RulesError;
pub(crate) use format::{Cache, Image, Toolchain};

use super::{
    analyze::LeftOut,
    source::{Entry, Limits, Wanted},
};
use format::StackFile;

/// Bytes of a rule file, and rule files in a directory, at most.
const FILE_BYTES: u64 = 1 << 20;
const FILES: usize = 200;

/// Rules that are ready to run.
pub struct Rules {
    version: String,
    pub(super) stacks: Vec<Stack>,
    /// Names of files that make a folder a project.
    projects: GlobSet,
    /// Names of files that rules read.
    reads: GlobSet,
    ignored: Vec<String>,
    examples: Vec<String>,
    pub(crate) images: Vec<Image>,
}

/// A stack's rules.
pub(super) struct Stack {
    pub name: String,
    /// Languages by the ending or the name of a file.
    pub endings: BTreeMap<String, String>,
    pub names: BTreeMap<String, String>,
    /// One of them makes a component speak for those below it.
    pub workspace: Vec<Condition>,
    pub rules: Vec<Rule>,
    pub title: String,
    pub toolchains: Vec<Toolchain>,
}

impl Rules {
    /// The rules built into this crate.
    ///
    /// # Errors
    /// None in a released build: a test compiles them.
    pub fn builtin() -> Result<Self, RulesError> {
        Self::from_texts(builtin::FILES.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())))
    }

    /// The built-in rules with those of a directory's `.toml` files: a stack of the same name replaces ours, another one is
    /// added.
    ///
    /// # Errors
    /// The directory cannot be read, or a file in it is no rule file; the message names the file and the key.
    pub fn with_directory(directory: &Path) -> Result<Self, RulesError> {
        let unreadable = |path: &Path, error: std::io::Error| {
            RulesError::new(path.display().to_string(), error.to_string())
        };
        let listed = fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
        let mut paths = Vec::new();
        for entry in listed {
            let path = entry.map_err(|error| unreadable(directory, error))?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.len() > FILES {
            let reason = format!("it has {} rule files, more than the {FILES} allowed", paths.len());
            return Err(RulesError::new(directory.display().to_string(), reason));
        }
        let mut texts: Vec<(String, String)> =
            builtin::FILES.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        for path in paths {
            let size = fs::metadata(&path).map_err(|error| unreadable(&path, error))?.len();
            if size > FILE_BYTES {
                let reason = format!("it has {size} bytes, more than the {FILE_BYTES} allowed");
                return Err(RulesError::new(path.display().to_string(), reason));
            }
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            texts.push((path.display().to_string(), text));
        }
        Self::from_texts(texts)
    }

    /// Rules from the texts of rule files, each with a name for messages; a later stack replaces one of its name.
    ///
    /// # Errors
    /// A text is no rule file; the message names it and the key.
    pub fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Result<Self, RulesError> {
        let mut files: BTreeMap<String, (String, String, StackFile)> = BTreeMap::new();
        for (name, text) in texts {
            let file = StackFile::parse(&text).map_err(|reason| RulesError::new(name.clone(), reason))?;
            files.insert(file.stack.clone(), (name, text, file));
        }
        let mut hash = Sha256::new();
        for (stack, (_, text, _)) in &files {
            hash.update(format!("{stack}\n{}\n", text.len()));
            hash.update(text);
        }
        compile::rules(files.into_values().map(|(name, _, file)| (name, file)), hex::encode(hash.finalize()))
    }

    /// SHA-256 of the rules, lower-case hexadecimal.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether a file is below a folder of somebody else's code or of what a build makes.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        has_folder(path, &self.ignored)
    }

    pub(super) fn is_example(&self, folder: &str) -> bool {
        has_folder(folder, &self.examples)
    }

    pub(super) fn marks_project(&self, path: &str) -> bool {
        self.projects.is_match(name_of(path))
    }

    pub(super) fn stack(&self, name: &str) -> Option<&Stack> {
        self.stacks.iter().find(|stack| stack.name == name)
    }

    /// How a stack is called.
    pub(crate) fn title(&self, stack: &str) -> String {
        self.stack(stack).map_or_else(|| stack.to_owned(), |stack| stack.title.clone())
    }

    /// What runs a stack's commands, with a package manager where it matters.
    pub(crate) fn toolchain(&self, stack: &str, manager: Option<&str>) -> Option<&Toolchain> {
        let toolchains = &self.stack(stack)?.toolchains;
        let suits = |toolchain: &&Toolchain| {
            manager.is_some_and(|manager| toolchain.managers.iter().any(|name| name == manager))
        };
        toolchains.iter().find(suits).or_else(|| toolchains.iter().find(|found| found.managers.is_empty()))
    }

    /// Which of a tree's files count, and which to read. Files nearer the root come first where a limit leaves some out.
    #[must_use]
    pub fn wanted(&self, files: Vec<Entry>, limits: &Limits) -> Wanted {
        let mut wanted = Wanted::default();
        let mut left_out = |path: &str, reason: String| {
            wanted.left_out.push(LeftOut { path: path.to_owned(), reason });
        };
        let mut files: Vec<Entry> = files.into_iter().filter(|file| !self.ignores(&file.path)).collect();
        files.sort_by(|a, b| (depth(&a.path), &a.path).cmp(&(depth(&b.path), &b.path)));
        if files.len() > limits.files {
            left_out(
                "",
                format!("{} files are beyond the limit of {}", files.len() - limits.files, limits.files),
            );
            files.truncate(limits.files);
        }
        let (mut bytes, mut unread) = (0_u64, 0);
        for file in files.iter().filter(|file| self.reads.is_match(name_of(&file.path))) {
            if file.size > limits.file_bytes {
                left_out(&file.path, format!("it has more than {} bytes", limits.file_bytes));
            } else if wanted.paths.len() == limits.read_files || bytes + file.size > limits.read_bytes {
                unread += 1;
            } else {
                bytes += file.size;
                wanted.paths.push(file.path.clone());
            }
        }
        if unread > 0 {
            left_out("", format!("{unread} files were not read: enough were"));
        }
        wanted.files = files;
        wanted
    }
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn has_folder(path: &str, names: &[String]) -> bool {
    path.split('/').rev().skip(1).any(|folder| names.iter().any(|name| name == folder))
}

//! What one file says, read from its text alone. That makes it worth keeping by the hash of the content: the same blob says
//! the same at every commit. What it means within its crate or package is for [`crate::resolve`].

mod facts;
mod manifest;
mod nesting;
mod page;
mod python;
mod reader;
mod rust;
mod text;
mod typescript;

pub use facts::*;
pub use manifest::{Manifest, PackageManifest};
pub use page::{Mention, Page};
pub use reader::{Read, Reader};

/// Changes when the same text would be read otherwise than before: what was kept of an earlier version is read again.
pub const VERSION: i64 = 1;

/// How the text of a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Rust.
    Rust,
    /// Python and its stubs.
    Python,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// TypeScript's declarations.
    Declaration,
    /// JavaScript, with JSX.
    JavaScript,
    /// Markdown.
    Page,
    /// `Cargo.toml`.
    Cargo,
    /// `package.json`.
    Npm,
    /// `pyproject.toml`.
    PyProject,
}

impl Dialect {
    /// The dialect of a file, going by its name; none where the file says nothing of an API.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name {
            "Cargo.toml" => return Some(Self::Cargo),
            "package.json" => return Some(Self::Npm),
            "pyproject.toml" => return Some(Self::PyProject),
            _ => {}
        }
        let lower = name.to_ascii_lowercase();
        if [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| lower.ends_with(end)) {
            return Some(Self::Declaration);
        }
        match lower.rsplit_once('.')?.1 {
            "rs" => Some(Self::Rust),
            "py" | "pyi" => Some(Self::Python),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            "js" | "mjs" | "cjs" | "jsx" => Some(Self::JavaScript),
            "md" | "markdown" | "mdx" => Some(Self::Page),
            _ => None,
        }
    }

    /// Stable name, under which what was read is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::Tsx => "tsx",
            Self::Declaration => "declaration",
            Self::JavaScript => "javascript",
            Self::Page => "page",
            Self::Cargo => "cargo",
            Self::Npm => "npm",
            Self::PyProject => "pyproject",
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Why it cannot be read, on one line.
    fn read(self, text: &str) -> Result<Facts, String> {
        match self {
            Self::Rust => rust::read(text).map(Facts::Rust),
            Self::Python => python::read(text).map(Facts::Python),
            Self::TypeScript | Self::Tsx | Self::Declaration | Self::JavaScript => {
                typescript::read(text, self).map(Facts::Script)
            }
            Self::Page => Ok(Facts::Page(page::read(text))),
            Self::Cargo => manifest::cargo(text).map(Facts::Manifest),
            Self::Npm => manifest::npm(text).map(Facts::Manifest),
            Self::PyProject => manifest::pyproject(text).map(Facts::Manifest),
        }
    }
}

/// True for paths below folders that hold what others wrote or what a build made.
pub fn is_foreign(path: &str) -> bool {
    const FOREIGN: [&str; 8] =
        ["node_modules", "vendor", "third_party", "site-packages", ".venv", "venv", "target", "__pycache__"];
    let mut folders = path.split('/');
    folders.next_back();
    folders.any(|folder| FOREIGN.contains(&folder))
}

use serde::{Deserialize, Serialize};

use super::{Manifest, Page};
use crate::api::{Kind, Signature};

/// What one file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "one for each kind of file")]
pub enum Facts {
    Rust(RustSource),
    Python(PythonSource),
    Script(ScriptSource),
    Page(Page),
    Manifest(Manifest),
}

/// A definition as its file writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// True if the definition itself says that it is public.
    pub open: bool,
    /// How it is used.
    pub signature: Signature,
    /// Its documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// First line, from 1.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// What belongs to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Item>,
}

/// A Rust file, or a module within one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RustSource {
    /// Documentation within the module.
    pub docs: String,
    /// Its last line.
    pub lines: u32,
    /// Definitions.
    pub items: Vec<Item>,
    /// Modules, in this file or another.
    pub modules: Vec<RustModule>,
    /// Imports and re-exports.
    pub uses: Vec<RustUse>,
    /// What inherent `impl` blocks add to types.
    pub impls: Vec<RustImpl>,
    /// Macros of `#[macro_export]`, which belong to the root of the crate.
    pub macros: Vec<Item>,
}

/// `mod name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RustModule {
    /// Its name.
    pub name: String,
    /// True if it is `pub`, and not hidden from documentation.
    pub open: bool,
    /// `#[path]`.
    pub file: Option<String>,
    /// Its content, where it is in this file.
    pub content: Option<RustSource>,
    /// Documentation beside the declaration.
    pub docs: String,
    /// Line of the declaration.
    pub line: u32,
}

/// One name of a `use` declaration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RustUse {
    /// Path to what is imported, or to what everything is imported from.
    pub path: Vec<String>,
    /// The name here; none for a glob.
    pub name: Option<String>,
    /// True for `pub use`.
    pub open: bool,
    /// True if the path begins with `::`.
    pub external: bool,
    /// Its line.
    pub line: u32,
}

/// An inherent `impl` block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RustImpl {
    /// Path of the type.
    pub target: Vec<String>,
    /// What it adds.
    pub items: Vec<Item>,
}

/// A Python file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PythonSource {
    /// Docstring of the module.
    pub docs: String,
    /// Its last line.
    pub lines: u32,
    /// Definitions; `open` where the name does not begin with an underscore.
    pub items: Vec<Item>,
    /// Imported names.
    pub imports: Vec<PythonImport>,
    /// `__all__`, where there is one.
    pub all: Option<Vec<AllPart>>,
}

/// One imported name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PythonImport {
    /// Dots before the module.
    pub level: u32,
    /// The module; may be empty where there are dots.
    pub module: String,
    /// The name within it; none for the module itself, `*` for everything.
    pub name: Option<String>,
    /// The name here.
    pub local: String,
    /// True for `x as x`, by which a module says that it re-exports.
    pub explicit: bool,
    /// Its line.
    pub line: u32,
}

/// A part of `__all__`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllPart {
    /// A name.
    Name(String),
    /// All names of another module's `__all__`, by its name here.
    Of(String),
}

/// A TypeScript or JavaScript file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScriptSource {
    /// Documentation of the module.
    pub docs: String,
    /// Its last line.
    pub lines: u32,
    /// Definitions at the top.
    pub items: Vec<Item>,
    /// Imported names.
    pub imports: Vec<ScriptImport>,
    /// What it exports.
    pub exports: Vec<ScriptExport>,
}

/// One imported name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptImport {
    /// The name here.
    pub local: String,
    /// Where it is from.
    pub source: String,
    /// The name there; none for the whole namespace.
    pub name: Option<String>,
}

/// One export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptExport {
    /// The name for others; none for everything that `what` has.
    pub name: Option<String>,
    /// What it is.
    pub what: Exported,
    /// Its line.
    pub line: u32,
}

/// What an export stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exported {
    /// A name of this file.
    Local(String),
    /// A name of another file; none for its whole namespace.
    From {
        /// Where it is from.
        source: String,
        /// The name there.
        name: Option<String>,
    },
}

//! The public API of a tree: symbols as their users see them.

use serde::{Deserialize, Serialize};

/// A language whose public API is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// TypeScript and JavaScript.
    TypeScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 3] = [Language::Rust, Language::Python, Language::TypeScript];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::Python => "Python",
            Language::TypeScript => "TypeScript",
        }
    }
}

/// What a symbol is, in the words of its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Module,
    Namespace,
    Function,
    Method,
    Struct,
    Union,
    Enum,
    Variant,
    Field,
    Trait,
    Class,
    Interface,
    Property,
    Attribute,
    Type,
    Constant,
    Static,
    Macro,
    /// A second name of something: a re-export.
    Alias,
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Module => "module",
            Kind::Namespace => "namespace",
            Kind::Function => "function",
            Kind::Method => "method",
            Kind::Struct => "struct",
            Kind::Union => "union",
            Kind::Enum => "enum",
            Kind::Variant => "variant",
            Kind::Field => "field",
            Kind::Trait => "trait",
            Kind::Class => "class",
            Kind::Interface => "interface",
            Kind::Property => "property",
            Kind::Attribute => "attribute",
            Kind::Type => "type",
            Kind::Constant => "constant",
            Kind::Static => "static",
            Kind::Macro => "macro",
            Kind::Alias => "alias",
        }
    }
}

/// Who can use a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Anyone.
    Public,
    /// Only its own crate, package or class, or nobody who goes by the conventions of its language.
    Private,
}

/// How a parameter takes its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// By its place only.
    Positional,
    /// By its place or its name.
    Either,
    /// All that is left by place.
    Variadic,
    /// By its name only.
    Keyword,
    /// All that is left by name.
    Keywords,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, or a pattern.
    pub name: String,
    /// How it takes its argument.
    pub kind: ParameterKind,
    /// Its type, where it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation: Option<String>,
    /// What it is where no argument is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// True if a call need not give it an argument.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl Parameter {
    /// True if a call must give it an argument.
    pub fn is_required(&self) -> bool {
        !self.optional
            && self.default.is_none()
            && !matches!(self.kind, ParameterKind::Variadic | ParameterKind::Keywords)
    }
}

/// What a rule has to know of a symbol beyond its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Rust: `#[non_exhaustive]`.
    NonExhaustive,
    /// Rust: a trait's item that implementors may leave out.
    Provided,
    /// Rust: `#[doc(hidden)]`.
    Hidden,
    /// Rust: every field can be named from outside, so users may build and take apart the whole.
    AllFieldsPublic,
    /// TypeScript: the member may be absent.
    Optional,
    /// TypeScript: the member cannot be assigned.
    Readonly,
    /// The member belongs to the class, not to its instances.
    Static,
    /// Python: takes the class.
    ClassMethod,
    /// Python: one of several signatures.
    Overload,
    /// Subclasses have to implement it.
    Abstract,
    /// Can be assigned where it would be read only otherwise.
    Settable,
}

/// How a symbol is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// As written, on one line, without its body.
    pub text: String,
    /// Parameters, where it can be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
    /// What a call gives, or what a field is, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    /// More that rules go by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

impl Signature {
    /// True if it has this flag.
    pub fn is(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

/// A symbol at a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Symbol {
    /// Its language.
    pub language: Language,
    /// Where users find it, in the notation of its language.
    pub path: String,
    /// Path of the symbol that it is a member of; empty at the top.
    pub owner: String,
    /// What it is.
    pub kind: Kind,
    /// How it is used.
    pub signature: Signature,
    /// Its documentation.
    pub docs: String,
    /// Who can use it.
    pub visibility: Visibility,
    /// File that defines it.
    pub file: String,
    /// First line of its definition, from 1.
    pub line: u32,
    /// Last line of its definition.
    pub end_line: u32,
}

impl Symbol {
    /// Its last name.
    pub fn name(&self) -> &str {
        let name = self.path.rsplit([':', '.']).next().unwrap_or_default();
        if self.language == Language::TypeScript && self.kind == Kind::Module { &self.path } else { name }
    }

    /// True if it counts for the coverage of documentation: a second name does not, nor does what the language itself explains.
    pub fn wants_docs(&self) -> bool {
        let special = self.language == Language::Python && self.name().starts_with("__");
        self.visibility == Visibility::Public && self.kind != Kind::Alias && !special
    }
}

/// The API of a tree.
#[derive(Clone, Debug, Default)]
pub struct Api {
    /// Public and private symbols by path.
    pub symbols: Vec<Symbol>,
}

impl Api {
    /// Puts symbols in their order.
    pub fn new(mut symbols: Vec<Symbol>) -> Self {
        symbols.sort_by(|a, b| {
            (a.language, &a.path, a.kind, a.line).cmp(&(b.language, &b.path, b.kind, b.line))
        });
        Self { symbols }
    }

    /// What everyone can use.
    pub fn public(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(|symbol| symbol.visibility == Visibility::Public)
    }
}

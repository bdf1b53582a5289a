//! Rule files as they are written; `rules/README.md` says what each key means.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::stack::{claim::Task, document::Format};

/// A rule file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StackFile {
    pub stack: String,
    pub title: String,
    #[serde(default)]
    pub ignore: Vec<String>,
    #[serde(default)]
    pub examples: Vec<String>,
    #[serde(default)]
    pub workspace: Vec<When>,
    #[serde(default)]
    pub language: Vec<Language>,
    #[serde(default)]
    pub rule: Vec<RuleEntry>,
    #[serde(default)]
    pub toolchain: Vec<Toolchain>,
    #[serde(default)]
    pub image: Vec<Image>,
}

/// A language, by the endings of files (without the dot) or their whole names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    pub name: String,
    #[serde(default)]
    pub endings: Vec<String>,
    #[serde(default)]
    pub files: Vec<String>,
}

/// A rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    pub id: String,
    /// True where a folder with it is a project.
    #[serde(default)]
    pub project: bool,
    /// Per cent.
    #[serde(default = "usual")]
    pub confidence: u8,
    pub when: Vec<When>,
    #[serde(default)]
    pub unless: Vec<When>,
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    #[serde(default)]
    pub claims: Vec<ClaimEntry>,
}

fn usual() -> u8 {
    90
}

/// A condition.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    pub path: Paths,
    pub up: bool,
    pub key: Vec<String>,
    pub value: Option<String>,
    pub line: Option<String>,
    pub format: Option<Format>,
    pub has: Option<String>,
    pub any: Vec<When>,
}

/// One path or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Paths {
    One(String),
    Many(Vec<String>),
}

impl Default for Paths {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Paths {
    pub fn list(self) -> Vec<String> {
        match self {
            Self::One(path) => vec![path],
            Self::Many(paths) => paths,
        }
    }
}

/// What a rule says.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ClaimEntry {
    Language { name: String },
    PackageManager { name: String, version: Option<String> },
    Framework { name: String, version: Option<String> },
    Command { task: Task, run: String },
    Runtime { name: String, version: String },
    Port { number: String },
    Service { name: String, version: Option<String> },
    Container {},
    Chart {},
    Infrastructure { name: String },
}

/// What runs a stack's commands in continuous integration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Toolchain {
    /// Package managers that it is for; none: for all that no other is for.
    #[serde(default)]
    pub managers: Vec<String>,
    /// The runtime whose version counts.
    pub runtime: String,
    /// Settings of every job.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The variable that names the folder of the cache, and names of files that say what is in it.
    pub cache: Option<Cache>,
    pub github: Github,
    pub gitlab: Gitlab,
}

/// What is kept between runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cache {
    pub env: String,
    /// What the variable says; `{folder}` stands for the folder.
    #[serde(default = "folder")]
    pub value: String,
    pub folder: String,
    pub files: Vec<String>,
}

fn folder() -> String {
    "{folder}".to_owned()
}

/// How GitHub's machines get it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Github {
    /// Where the repository names no version.
    pub default: String,
    /// Name of an action in the pins.
    pub uses: Option<String>,
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    #[serde(default)]
    pub run: Vec<String>,
}

/// The image of GitLab's jobs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gitlab {
    /// Where the repository names no version.
    pub default: String,
    pub image: String,
    #[serde(default)]
    pub run: Vec<String>,
}

/// A server that tests may need. `{host}` and `{port}` stand for where it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    pub service: String,
    /// Without a tag.
    pub image: String,
    /// Tag where the repository names no version.
    pub version: String,
    pub port: u16,
    /// What the server is told.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What the tests are told.
    #[serde(default)]
    pub exports: BTreeMap<String, String>,
    /// A command in it that succeeds when it is ready.
    pub health: Option<String>,
}

impl StackFile {
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().and_then(|span| text.get(..span.start));
            let line = line.map(|before| format!("line {}: ", before.matches('\n').count() + 1));
            format!("{}{}", line.unwrap_or_default(), error.message())
        })
    }
}

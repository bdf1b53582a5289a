//! What is said of a component, and why.

use serde::Deserialize;

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Gets the dependencies.
    Install,
    /// Looks at the source.
    Lint,
    /// Makes what is delivered.
    Build,
    /// Runs the tests.
    Test,
}

/// One thing that may be said of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A language that files are written in.
    Language {
        /// For example `Rust`.
        name: String,
        /// Files in it.
        files: u32,
        /// Bytes of those.
        bytes: u64,
    },
    /// What gets the dependencies.
    PackageManager {
        /// For example `pnpm`.
        name: String,
        /// As the repository names it.
        version: Option<String>,
    },
    /// A framework or a notable library.
    Framework {
        /// For example `React`.
        name: String,
        /// As the repository names it.
        version: Option<String>,
    },
    /// What to run in the component's folder.
    Command {
        /// What it is for.
        task: Task,
        /// Lines for `sh`. They come from rules, and only harmless words in them from the repository.
        run: String,
    },
    /// What it runs on.
    Runtime {
        /// For example `node`.
        name: String,
        /// A version that begins with a digit.
        version: String,
    },
    /// A TCP port that it listens on.
    Port {
        /// From 1.
        number: u16,
    },
    /// A service that it needs to run.
    Service {
        /// For example `postgres`.
        name: String,
        /// As the repository names it.
        version: Option<String>,
    },
    /// A container image that is built from it.
    Container {
        /// Of its file, from the root.
        path: String,
    },
    /// A Helm chart.
    Chart {
        /// Of `Chart.yaml`, from the root.
        path: String,
    },
    /// Infrastructure as code.
    Infrastructure {
        /// For example `Terraform`.
        name: String,
    },
}

impl Fact {
    /// What two claims must share to be one: everything but versions and counts.
    pub(crate) fn key(&self) -> (u8, &str, Option<Task>, u16) {
        match self {
            Self::Language { name, .. } => (0, name, None, 0),
            Self::PackageManager { name, .. } => (1, name, None, 0),
            Self::Framework { name, .. } => (2, name, None, 0),
            Self::Runtime { name, .. } => (3, name, None, 0),
            Self::Command { task, run } => (4, run, Some(*task), 0),
            Self::Port { number } => (5, "", None, *number),
            Self::Service { name, .. } => (6, name, None, 0),
            Self::Container { path } => (7, path, None, 0),
            Self::Chart { path } => (8, path, None, 0),
            Self::Infrastructure { name } => (9, name, None, 0),
        }
    }

    /// The version that it names.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::PackageManager { version, .. }
            | Self::Framework { version, .. }
            | Self::Service { version, .. } => version.as_deref(),
            Self::Runtime { version, .. } => Some(version),
            _ => None,
        }
    }

    /// Takes the version and the counts of another of the same key, where this one has none.
    fn complete(&mut self, other: Self) {
        match (self, other) {
            (
                Self::PackageManager { version, .. }
                | Self::Framework { version, .. }
                | Self::Service { version, .. },
                Self::PackageManager { version: other, .. }
                | Self::Framework { version: other, .. }
                | Self::Service { version: other, .. },
            ) if version.is_none() => *version = other,
            (
                Self::Language { files, bytes, .. },
                Self::Language { files: more_files, bytes: more_bytes, .. },
            ) => {
                *files += more_files;
                *bytes += more_bytes;
            }
            _ => {}
        }
    }
}

/// Where a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// From the root.
    pub path: String,
    /// From 1; 0 where it is the file that says it.
    pub line: u32,
    /// Id of the rule.
    pub rule: String,
}

/// One thing that is said of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is said.
    pub fact: Fact,
    /// The stack whose rules say so.
    pub stack: String,
    /// Per cent.
    pub confidence: u8,
    /// Strongest first; at most [`Claim::EVIDENCE`].
    pub evidence: Vec<Evidence>,
}

impl Claim {
    /// Pieces of evidence that are kept.
    pub const EVIDENCE: usize = 5;

    /// Adds to what is said already: the same twice is one claim, with the evidence of both.
    pub(crate) fn add(self, claims: &mut Vec<Self>) {
        let same = |known: &&mut Self| known.fact.key() == self.fact.key() && known.stack == self.stack;
        let Some(known) = claims.iter_mut().find(same) else {
            claims.push(self);
            return;
        };
        let (strong, weak) =
            if self.confidence > known.confidence { (self, known.clone()) } else { (known.clone(), self) };
        *known = strong;
        known.fact.complete(weak.fact);
        for evidence in weak.evidence {
            if known.evidence.len() < Self::EVIDENCE && !known.evidence.contains(&evidence) {
                known.evidence.push(evidence);
            }
        }
    }
}

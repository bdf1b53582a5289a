//! A pipeline for a repository, from what its tree is made of.
//!
//! One neutral representation ([`Pipeline`]) is rendered for GitHub Actions and for GitLab. Nothing that a repository says
//! gets further than plain words: commands come from rules, and paths and versions are checked. The same analysis and rules
//! give the same bytes, and every file is validated before it is handed out.

mod deliver;
mod error;
mod github;
mod gitlab;
mod names;
mod pins;
mod pipeline;
mod plan;
mod reply;
mod tools;
mod validate;
mod yaml;

pub use error::GenerateError;
pub use pipeline::{Action, Job, JobKind, Pipeline, Server, Step, Tools};
pub use plan::plan;
pub use reply::reply;

use crate::stack::{Analysis, Rules};

/// A file to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// From the root.
    pub path: &'static str,
    /// Its text.
    pub content: String,
}

/// A pipeline and its files.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The neutral representation.
    pub pipeline: Pipeline,
    /// For GitHub Actions, then for GitLab.
    pub files: Vec<GeneratedFile>,
}

/// Plans and renders a pipeline, and validates both files.
///
/// # Errors
/// The rules name an action that is not pinned, or what came out is not valid; both are a fault of rules, not of the tree.
pub fn generate(analysis: &Analysis, rules: &Rules) -> Result<Generated, GenerateError> {
    let pipeline = plan(analysis, rules);
    let pins = pins::Pins::builtin()?;
    let github = github::render(&pipeline, rules, &pins)?;
    validate::github(&github, &pins)
        .map_err(|reason| GenerateError::Invalid { file: github::PATH, reason })?;
    let gitlab = gitlab::render(&pipeline, rules, &pins)?;
    validate::gitlab(&gitlab).map_err(|reason| GenerateError::Invalid { file: gitlab::PATH, reason })?;
    let files = vec![
        GeneratedFile { path: github::PATH, content: github },
        GeneratedFile { path: gitlab::PATH, content: gitlab },
    ];
    Ok(Generated { pipeline, files })
}

//! What the change is.

use askama::Template;

use super::{
    super::{
        format::{Moment, short},
        row::line,
    },
    About,
};

/// The section.
#[derive(Template)]
#[template(path = "sections/head.html")]
pub struct Head {
    subject: String,
    commit: String,
    parents: Vec<String>,
    repository: String,
    branch: String,
    author: String,
    authored: Moment,
    committed: Moment,
}

/// Of a change.
pub fn of(about: &About) -> Head {
    let change = &about.change;
    let author = change.author.clone().unwrap_or_default();
    let author =
        if author.email.is_empty() { author.name } else { format!("{} <{}>", author.name, author.email) };
    let subject = if change.subject.trim().is_empty() { "(no subject)" } else { &change.subject };
    Head {
        subject: line(subject),
        commit: change.commit.clone(),
        parents: change.parents.iter().map(|parent| short(parent).to_owned()).collect(),
        repository: line(&change.repository_name),
        branch: line(change.r#ref.strip_prefix("refs/heads/").unwrap_or(&change.r#ref)),
        author: line(&author),
        authored: Moment::of(change.authored_time),
        committed: Moment::of(change.committed_time),
    }
}

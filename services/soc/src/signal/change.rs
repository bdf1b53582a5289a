use septet_proto_devops::v1::{Change, ChangePushed, FileChange, FileStatus};
use serde_json::{Map, Value, json};

use super::{Signal, Subject};
use crate::sigma::EventSource;

/// What is known of a change besides what an event says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub author_name: String,
    pub author_email: String,
    /// Full name of the ref that it was first seen on.
    pub ref_name: String,
}

impl Facts {
    pub fn of(change: &Change) -> Self {
        let author = change.author.clone().unwrap_or_default();
        Self { author_name: author.name, author_email: author.email, ref_name: change.r#ref.clone() }
    }

    /// `name <email>`; empty where neither is known.
    pub fn author(&self) -> String {
        match (self.author_name.as_str(), self.author_email.as_str()) {
            ("", "") => String::new(),
            (name, "") => name.to_owned(),
            ("", email) => format!("<{email}>"),
            (name, email) => format!("{name} <{email}>"),
        }
    }

    /// Fields that every signal about a change has: `author_name`, `author_email`, `ref`, `branch`.
    pub fn add_to(&self, fields: &mut Map<String, Value>) {
        let branch = self.ref_name.strip_prefix("refs/heads/").unwrap_or_default();
        for (name, text) in [
            ("author_name", self.author_name.as_str()),
            ("author_email", &self.author_email),
            ("ref", &self.ref_name),
            ("branch", branch),
        ] {
            fields.insert(name.to_owned(), text.into());
        }
    }
}

/// What a pushed change means to security: one signal of `product: septet, service: devops, category: change`.
///
/// Fields: those of [`Facts::add_to`]; `repository`, `repository_id`, `change_id`, `commit`, `subject`, `parents` (how many),
/// `authored_after_committed_secs`; the lists of paths `files` (all of them, also those before a renaming), `files_added`,
/// `files_modified`, `files_deleted`, `files_renamed`, `files_binary_added`; `files_total`, `files_deleted_total`,
/// `lines_added`, `lines_deleted`, `files_left_out` (not listed here), `diff_bytes`, `diff_left_out` (files whose text
/// nobody sees), `manifests_left_out`, `run_tests`, `flags`, `settings_error`.
pub(crate) fn of_change(event: &ChangePushed, change: &Change) -> (Subject, Signal) {
    let facts = Facts::of(change);
    let subject = Subject {
        repository_id: change.repository_id.clone(),
        repository_name: change.repository_name.clone(),
        change_id: event.change_id.clone(),
        author: facts.author(),
    };
    let paths = |wanted: fn(&FileChange) -> bool| -> Vec<&str> {
        change.files.iter().filter(|file| wanted(file)).map(|file| file.path.as_str()).collect()
    };
    let before = change.files.iter().map(|file| file.previous_path.as_str()).filter(|path| !path.is_empty());
    let all: Vec<&str> = paths(|_| true).into_iter().chain(before).collect();
    let deleted = paths(|file| file.status() == FileStatus::Deleted);
    let sum = |of: fn(&FileChange) -> u32| change.files.iter().map(|file| u64::from(of(file))).sum::<u64>();
    let seconds = |time: Option<prost_types::Timestamp>| time.map(|time| time.seconds);
    let ahead = match (seconds(change.authored_time), seconds(change.committed_time)) {
        (Some(authored), Some(committed)) => json!(authored.saturating_sub(committed)),
        _ => Value::Null,
    };
    let diff = event.diff.clone().unwrap_or_default();
    let settings = event.settings.clone().unwrap_or_default();
    let listed = u32::try_from(change.files.len()).unwrap_or(u32::MAX);
    let fields = json!({
        "repository": change.repository_name,
        "repository_id": change.repository_id,
        "change_id": event.change_id,
        "commit": change.commit,
        "subject": change.subject,
        "parents": change.parents.len(),
        "authored_after_committed_secs": ahead,
        "files": all,
        "files_added": paths(|file| file.status() == FileStatus::Added),
        "files_modified": paths(|file| file.status() == FileStatus::Modified),
        "files_renamed": paths(|file| file.status() == FileStatus::Renamed),
        "files_binary_added": paths(|file| file.binary && file.status() == FileStatus::Added),
        "files_deleted_total": deleted.len(),
        "files_deleted": deleted,
        "files_total": change.files_total,
        "files_left_out": change.files_total.saturating_sub(listed),
        "lines_added": sum(|file| file.lines_added),
        "lines_deleted": sum(|file| file.lines_deleted),
        "diff_bytes": diff.size,
        "diff_left_out": diff.left_out,
        "manifests_left_out": event.manifests_left_out,
        "run_tests": settings.run_tests,
        "flags": settings.flags,
        "settings_error": settings.error,
    });
    let Value::Object(mut fields) = fields else { return (subject, Signal::default()) };
    facts.add_to(&mut fields);
    (subject, Signal { source: EventSource::septet("devops", "change"), fields })
}

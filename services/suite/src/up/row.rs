use std::io::IsTerminal;

use septet_chassis::contract::Timestamp;
use septet_proto_devops::v1::{Change, Check, CheckState, Release, ReleaseState};

use crate::text;

/// The services that have a word on a change, in the order of their columns; devops' own word is the last one.
const COLUMNS: [&str; 6] = ["review", "docs", "cost", "soc", "cx", "pipeline"];

/// What is known of one change.
pub struct Row {
    change: Change,
    release: Option<Release>,
}

pub fn header() -> String {
    let columns: String = COLUMNS.iter().map(|column| format!(" {column:8}")).collect();
    format!("{:8} {:10} {:14} {:32}{columns} release\n", "commit", "date", "author", "subject")
}

impl Row {
    pub fn new(change: Change) -> Self {
        Self { change, release: None }
    }

    pub fn change_id(&self) -> &str {
        &self.change.id
    }

    /// Takes in the release as it is now; true if that says something new.
    pub fn set(&mut self, release: Option<Release>) -> bool {
        let moved = self.release != release;
        self.release = release;
        moved
    }

    /// True once every service has had its word.
    pub fn is_full(&self) -> bool {
        self.release.as_ref().is_some_and(|release| {
            release.state() != ReleaseState::Pending
                && release.checks.iter().all(|check| check.state() != CheckState::Pending)
        })
    }

    pub fn line(&self) -> String {
        let date =
            self.change.committed_time.map(|time| Timestamp::from(time).to_string()).unwrap_or_default();
        let author = self.change.author.as_ref().map_or("", |author| author.name.as_str());
        let words: String = COLUMNS.iter().map(|column| format!(" {}", self.word(column))).collect();
        format!(
            "{:8} {:10} {:14} {:32}{words} {}\n",
            self.change.commit.get(..8).unwrap_or(&self.change.commit),
            date.get(..10).unwrap_or_default(),
            text::fit(author, 14),
            text::fit(&self.change.subject, 32),
            self.decision(),
        )
    }

    fn word(&self, service: &str) -> String {
        let checks = self.release.iter().flat_map(|release| &release.checks);
        let check: Option<&Check> = { checks }.find(|check| check.service == service);
        match check.map_or(CheckState::Pending, Check::state) {
            CheckState::Passed => format!("{:8}", "ok"),
            CheckState::Failed => alarming(&format!("{:8}", "FAILED")),
            CheckState::Skipped => format!("{:8}", "-"),
            CheckState::Pending | CheckState::Unspecified => format!("{:8}", "…"),
        }
    }

    fn decision(&self) -> String {
        match self.release.as_ref().map_or(ReleaseState::Pending, Release::state) {
            ReleaseState::Eligible => "eligible".to_owned(),
            ReleaseState::Blocked => alarming("BLOCKED"),
            ReleaseState::Pending | ReleaseState::Unspecified => "…".to_owned(),
        }
    }
}

/// Red for what needs a look, where there is someone to see it.
fn alarming(word: &str) -> String {
    if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return word.to_owned();
    }
    format!("\x1b[1;31m{word}\x1b[0m")
}

//! Where a repository's history begins: as the store keeps it, and whether a new wish asks for more.

use crate::git::Since;

/// What is imported where nobody says.
pub(crate) const DEFAULT: Since = Since::Last(200);

/// As the store keeps it.
pub(crate) fn to_text(since: Since) -> String {
    match since {
        Since::Last(count) => format!("last {count}"),
        Since::Commit(commit) => format!("commit {commit}"),
        Since::Time(seconds) => format!("time {seconds}"),
        Since::All => "all".to_owned(),
    }
}

/// From the store. A text of a newer version reads as the default.
pub(crate) fn from_text(text: &str) -> Since {
    let parsed = match text.split_once(' ') {
        Some(("last", count)) => count.parse().ok().map(Since::Last),
        Some(("commit", commit)) => commit.parse().ok().map(Since::Commit),
        Some(("time", seconds)) => seconds.parse().ok().map(Since::Time),
        _ => (text == "all").then_some(Since::All),
    };
    parsed.unwrap_or(DEFAULT)
}

/// Whether `asked` may select commits that `stored` does not. Of different kinds, nobody can tell without looking.
pub(crate) fn widens(stored: Since, asked: Since) -> bool {
    match (stored, asked) {
        (Since::All, _) => false,
        (Since::Last(stored), Since::Last(asked)) => asked > stored,
        (Since::Time(stored), Since::Time(asked)) => asked < stored,
        (Since::Commit(stored), Since::Commit(asked)) => asked != stored,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: char) -> Since {
        Since::Commit(digit.to_string().repeat(40).parse().unwrap())
    }

    #[test]
    fn what_is_kept_reads_back() {
        for since in [Since::Last(0), Since::Last(200), commit('a'), Since::Time(-5), Since::All] {
            assert_eq!(from_text(&to_text(since)), since);
        }
        for other in ["", "last", "last x", "weekly"] {
            assert_eq!(from_text(other), DEFAULT);
        }
    }

    #[test]
    fn only_more_history_widens() {
        for (stored, asked, more) in [
            (Since::Last(200), Since::Last(200), false),
            (Since::Last(200), Since::Last(50), false),
            (Since::Last(200), Since::Last(201), true),
            (Since::Time(100), Since::Time(100), false),
            (Since::Time(100), Since::Time(200), false),
            (Since::Time(100), Since::Time(99), true),
            (commit('a'), commit('a'), false),
            (commit('a'), commit('b'), true),
            (Since::Last(200), Since::Time(1), true),
            (Since::Last(200), Since::All, true),
            (Since::All, Since::Last(500), false),
            (Since::All, Since::All, false),
        ] {
            assert_eq!(widens(stored, asked), more, "{stored:?} -> {asked:?}");
        }
    }
}

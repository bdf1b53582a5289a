//! Whether a change may be released: a pure function of what is known about it.

mod checks;
mod words;

use std::fmt::Write;

use septet_proto_devops::v1::{Check, CheckState, ReleaseState, RepositorySettings};

pub use words::{Said, Word, Words};

/// Services whose word a release may be made to wait for. The tests of `pipeline` run only once a release is eligible, and
/// `cx` is asked by devops itself.
pub const AWAITABLE: [&str; 4] = ["review", "docs", "cost", "soc"];

/// Critical alerts that bear on a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    /// Those on its repository that are open.
    pub open: u64,
    /// Title of the newest of them.
    pub newest: String,
    /// Those about the change itself that were closed.
    pub closed_of_change: u64,
}

/// What is known about a change.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What services have said.
    pub words: &'a Words,
    /// What the repository asks for.
    pub settings: &'a RepositorySettings,
    /// Services whose word the release waits for.
    pub required: &'a [String],
    /// Alerts that bear on it.
    pub alerts: &'a Alerts,
}

/// What follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Whether it may be released.
    pub state: ReleaseState,
    /// Why it is blocked or pending, a line each.
    pub reasons: Vec<String>,
    /// What each service has to say, always in the same order.
    pub checks: Vec<Check>,
    /// True if nothing but the word of cx is missing, which nobody has been asked for yet.
    pub asks_cx: bool,
}

/// Decides. One check that failed blocks, whatever is pending; one that is pending and waited for keeps it pending.
pub fn decide(known: Known<'_>) -> Decision {
    let checks = checks::of(known);
    let lines = |wanted: CheckState, counts: &dyn Fn(&Check) -> bool| -> Vec<String> {
        let of_state = checks.iter().filter(|check| check.state() == wanted && counts(check));
        of_state.map(|check| format!("{}: {}", check.service, check.summary)).collect()
    };
    // cx is asked only where there are flags, and is waited for wherever it is asked.
    let waits = |check: &Check| check.service == "cx" || known.required.contains(&check.service);
    let failed = lines(CheckState::Failed, &|_| true);
    let pending = lines(CheckState::Pending, &waits);
    let pending_but_cx = lines(CheckState::Pending, &|check| check.service != "cx" && waits(check));
    let asks_cx = failed.is_empty()
        && pending_but_cx.is_empty()
        && !pending.is_empty()
        && known.words.of("cx").is_none();
    let (state, reasons) = match (failed.is_empty(), pending.is_empty()) {
        (false, _) => (ReleaseState::Blocked, failed),
        (true, false) => (ReleaseState::Pending, pending),
        (true, true) => (ReleaseState::Eligible, Vec::new()),
    };
    Decision { state, reasons, checks, asks_cx }
}

/// A decision in one line.
pub fn in_a_line(state: ReleaseState, reasons: &[String]) -> String {
    let mut line = match state {
        ReleaseState::Eligible => "eligible",
        ReleaseState::Blocked => "blocked",
        ReleaseState::Pending | ReleaseState::Unspecified => "pending",
    }
    .to_owned();
    for (number, reason) in reasons.iter().enumerate() {
        let separator = if number == 0 { ": " } else { "; " };
        // Writing to a text never fails.
        let _ = write!(line, "{separator}{reason}");
    }
    line
}

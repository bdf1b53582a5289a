//! A change and how far it has come, on one line. Pure: from what devops answers.

use septet_proto_common::v1::Verdict;
use septet_proto_devops::v1::{Change, CheckState, JourneyStep, Release, ReleaseState};

use super::format::{Moment, short};

/// The services beside devops, whose word is the release, in the order of a change's way.
pub const SERVICES: [&str; 6] = ["review", "docs", "cost", "soc", "cx", "pipeline"];

/// A change's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub commit: String,
    pub subject: String,
    pub repository: String,
    pub author: String,
    pub time: Moment,
    pub release: Mark,
    /// Of [`SERVICES`], in their order.
    pub marks: Vec<Mark>,
}

/// One service's word, short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub service: &'static str,
    pub mood: Mood,
    /// The word for it.
    pub word: &'static str,
    /// One line; may be empty.
    pub summary: String,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Passed,
    Failed,
    /// Heard of, without a verdict.
    Noted,
    Pending,
    /// Not asked.
    Skipped,
}

impl Mood {
    /// Its name in the styles.
    pub fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Noted => "noted",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
        }
    }

    /// A sign that tells it without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Failed => "✕",
            Self::Noted => "•",
            Self::Pending => "…",
            Self::Skipped => "–",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Noted => "noted",
            Self::Pending => "pending",
            Self::Skipped => "not asked",
        }
    }

    /// Of a verdict.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Failed => Self::Failed,
            Verdict::Unspecified => Self::Noted,
        }
    }
}

impl Row {
    /// Of a change, what was heard of it, and its release where one was decided.
    pub fn new(change: &Change, steps: &[JourneyStep], release: Option<&Release>) -> Self {
        let subject = if change.subject.trim().is_empty() { "(no subject)" } else { &change.subject };
        Self {
            id: change.id.clone(),
            commit: short(&change.commit).to_owned(),
            subject: line(subject),
            repository: line(&change.repository_name),
            author: change.author.as_ref().map(|author| line(&author.name)).unwrap_or_default(),
            time: Moment::of(change.committed_time),
            release: of_release(release),
            marks: SERVICES.iter().map(|service| of_service(service, steps, release)).collect(),
        }
    }
}

/// What became of the release.
pub fn of_release(release: Option<&Release>) -> Mark {
    let mark = |mood, word, summary| Mark { service: "devops", mood, word, summary };
    let reasons = |release: &Release| line(&release.reasons.join("; "));
    match release.map(|release| (release.state(), release)) {
        Some((ReleaseState::Eligible, release)) => mark(Mood::Passed, "eligible", reasons(release)),
        Some((ReleaseState::Blocked, release)) => mark(Mood::Failed, "blocked", reasons(release)),
        Some((ReleaseState::Pending, release)) => mark(Mood::Pending, "pending", reasons(release)),
        _ => mark(Mood::Pending, "pending", String::new()),
    }
}

/// A service's word: as the release counts it; else as its last step has it, which the release may not have counted yet.
pub fn of_service(service: &'static str, steps: &[JourneyStep], release: Option<&Release>) -> Mark {
    let check = release.and_then(|release| release.checks.iter().find(|check| check.service == service));
    let counted = check.and_then(|check| {
        let mood = match check.state() {
            CheckState::Passed => Mood::Passed,
            CheckState::Failed => Mood::Failed,
            CheckState::Skipped => Mood::Skipped,
            CheckState::Pending | CheckState::Unspecified => return None,
        };
        Some((mood, &check.summary))
    });
    let heard = || {
        let step = steps.iter().rfind(|step| step.service == service)?;
        Some((Mood::of(step.outcome()), &step.summary))
    };
    let (mood, summary) = match counted.or_else(heard) {
        Some((mood, summary)) => (mood, line(summary)),
        None => (Mood::Pending, check.map(|check| line(&check.summary)).unwrap_or_default()),
    };
    Mark { service, mood, word: mood.word(), summary }
}

/// Text on one line: what a repository says must not break a page or a stream of events.
pub fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use septet_proto_devops::v1::Check;

    use super::*;

    fn step(service: &str, outcome: Verdict, summary: &str) -> JourneyStep {
        JourneyStep {
            service: service.to_owned(),
            outcome: outcome.into(),
            summary: summary.to_owned(),
            ..JourneyStep::default()
        }
    }

    fn release(state: ReleaseState, checks: &[(&str, CheckState, &str)]) -> Release {
        let checks = checks.iter().map(|(service, state, summary)| Check {
            service: (*service).to_owned(),
            state: (*state).into(),
            summary: (*summary).to_owned(),
        });
        Release {
            state: state.into(),
            checks: checks.collect(),
            reasons: vec!["review: a secret".to_owned()],
            ..Release::default()
        }
    }

    fn moods(row: &Row) -> Vec<Mood> {
        row.marks.iter().map(|mark| mark.mood).collect()
    }

    #[test]
    fn what_was_not_heard_yet_is_pending() {
        let row = Row::new(&Change::default(), &[], None);
        assert_eq!(moods(&row), [Mood::Pending; 6]);
        assert_eq!((row.release.word, row.subject.as_str()), ("pending", "(no subject)"));
    }

    #[test]
    fn the_release_counts_before_the_journey_and_the_last_step_before_earlier_ones() {
        let steps = [
            step("review", Verdict::Failed, "2 secrets"),
            step("review", Verdict::Passed, "none any more"),
            step("docs", Verdict::Failed, "breaks"),
            step("soc", Verdict::Unspecified, "seen"),
        ];
        let release = release(
            ReleaseState::Blocked,
            &[
                ("review", CheckState::Pending, "waiting"),
                ("docs", CheckState::Passed, "a page tells of it"),
                ("cost", CheckState::Pending, "waiting"),
                ("cx", CheckState::Skipped, "no flags"),
            ],
        );
        let row = Row::new(&Change::default(), &steps, Some(&release));
        use Mood::{Noted, Passed, Pending, Skipped};
        assert_eq!(moods(&row), [Passed, Passed, Pending, Noted, Skipped, Pending]);
        assert_eq!(row.marks[0].summary, "none any more");
        assert_eq!(row.marks[2].summary, "waiting");
        assert_eq!((row.release.word, row.release.summary.as_str()), ("blocked", "review: a secret"));
    }

    #[test]
    fn a_line_stays_one() {
        assert_eq!(line("a\r\ndata: b\u{1b}[1m"), "a  data: b [1m");
    }
}

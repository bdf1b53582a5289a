//! What each service has to say.

use septet_proto_devops::v1::{Check, CheckState, RepositorySettings};

use super::{Alerts, Known, Said, Word};

/// The checks, always in the same order.
pub(super) fn of(known: Known<'_>) -> Vec<Check> {
    let Known { words, settings, alerts, .. } = known;
    let mut checks = Vec::with_capacity(7);
    if !settings.error.is_empty() {
        // Nobody knows what the repository asks for: the gate stays shut.
        let summary = format!("`.septet.toml` cannot be read: {}", settings.error);
        checks.push(check("devops", CheckState::Failed, summary));
    }
    for service in ["review", "docs", "cost"] {
        checks.push(heard(service, words.of(service)));
    }
    checks.push(cx(words.of("cx"), settings));
    checks.push(soc(words.of("soc"), alerts));
    checks.push(pipeline(words.of("pipeline"), settings));
    checks
}

fn check(service: &str, state: CheckState, summary: impl Into<String>) -> Check {
    Check { service: service.to_owned(), state: state.into(), summary: summary.into() }
}

fn heard(service: &str, word: Option<&Word>) -> Check {
    match word {
        None => check(service, CheckState::Pending, "has not answered yet"),
        Some(word) => check(service, word.said.into(), word.summary.as_str()),
    }
}

fn cx(word: Option<&Word>, settings: &RepositorySettings) -> Check {
    if settings.flags.is_empty() {
        return check("cx", CheckState::Skipped, "the repository names no flags");
    }
    match word {
        None => check("cx", CheckState::Pending, "is asked once nothing else stands in the way"),
        word => heard("cx", word),
    }
}

fn soc(word: Option<&Word>, alerts: &Alerts) -> Check {
    match (alerts.open, word) {
        (0, Some(word)) if word.said == Said::Failed && alerts.closed_of_change > 0 => {
            check("soc", CheckState::Passed, "the critical alerts about this change are closed")
        }
        (0, word) => heard("soc", word),
        (1, _) => check("soc", CheckState::Failed, format!("a critical alert is open: {}", alerts.newest)),
        (count, _) => {
            let summary = format!("{count} critical alerts are open, the newest: {}", alerts.newest);
            check("soc", CheckState::Failed, summary)
        }
    }
}

fn pipeline(word: Option<&Word>, settings: &RepositorySettings) -> Check {
    match word {
        _ if !settings.run_tests => {
            check("pipeline", CheckState::Skipped, "the repository does not opt in to run its tests")
        }
        None => check("pipeline", CheckState::Pending, "runs the tests once the release is eligible"),
        word => heard("pipeline", word),
    }
}

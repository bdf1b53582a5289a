//! Alerts of hits. Pure.

use septet_chassis::contract::Timestamp;
use septet_proto_common::v1::{Severity, Verdict};
use septet_proto_soc::v1::{Alert, AlertState, Assessment, Match};
use uuid::Uuid;

use crate::{
    sigma::{Hit, Level, explanation},
    signal::Subject,
};

/// Namespace of alert ids. Never change it: ids are in events and in other services' databases.
const ALERTS: Uuid = Uuid::from_u128(0x8d3a_51b6_0e94_4f27_a1c8_47f2_9be0_635d);

/// Where an event is from, and what it is about.
pub(crate) struct Occasion {
    /// CloudEvents `source`, or what an outside signal names as its source.
    pub origin: String,
    /// Unique within its source.
    pub event_id: String,
    pub subject: Subject,
    pub host: String,
    pub time: Timestamp,
}

/// The level as the contract has it; unspecified for `informational`.
pub(crate) fn severity(level: Level) -> Severity {
    match level {
        Level::Informational => Severity::Unspecified,
        Level::Low => Severity::Low,
        Level::Medium => Severity::Medium,
        Level::High => Severity::High,
        Level::Critical => Severity::Critical,
    }
}

/// The id of the alert that a rule raises about an event.
pub(crate) fn id(rule_id: &str, origin: &str, event_id: &str) -> String {
    let name = format!("{rule_id}\n{origin}\n{event_id}");
    Uuid::new_v5(&ALERTS, name.as_bytes()).to_string()
}

/// The alert of a hit; `more` signals of the same event fulfil the same rule.
pub(crate) fn of(hit: &Hit<'_>, more: usize, occasion: &Occasion, now: Timestamp) -> Alert {
    let rule = &hit.loaded.rule;
    let matches = hit.matched.iter().map(|matched| Match {
        field: matched.field.clone(),
        predicate: matched.predicate.clone(),
        value: matched.value.clone(),
    });
    Alert {
        id: id(&rule.id, &occasion.origin, &occasion.event_id),
        rule_id: rule.id.clone(),
        title: rule.title.clone(),
        level: severity(rule.level).into(),
        state: AlertState::Open.into(),
        explanation: explanation(&hit.matched, more),
        repository_id: occasion.subject.repository_id.clone(),
        repository_name: occasion.subject.repository_name.clone(),
        change_id: occasion.subject.change_id.clone(),
        time: Some(occasion.time.into()),
        matches: matches.collect(),
        author: occasion.subject.author.clone(),
        source: occasion.origin.clone(),
        event_id: occasion.event_id.clone(),
        host: occasion.host.clone(),
        raised_time: Some(now.into()),
        ..Alert::default()
    }
}

/// What is said of a change whose event was evaluated by so many rules.
pub(crate) fn assess(
    subject: &Subject,
    commit: &str,
    rules: usize,
    alerts: &[Alert],
    now: Timestamp,
) -> Assessment {
    let rules = if rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") };
    let worst = alerts.iter().max_by_key(|alert| alert.level);
    let (verdict, reason) = match worst {
        None => (Verdict::Passed, format!("{rules}, nothing found")),
        Some(worst) if worst.level() == Severity::Critical => {
            (Verdict::Failed, format!("critical alert: {}", worst.title))
        }
        Some(worst) => {
            let number =
                if alerts.len() == 1 { "1 alert".to_owned() } else { format!("{} alerts", alerts.len()) };
            (Verdict::Passed, format!("{rules}, {number}, none critical: {}", worst.title))
        }
    };
    Assessment {
        repository_id: subject.repository_id.clone(),
        repository_name: subject.repository_name.clone(),
        commit: commit.to_owned(),
        verdict: verdict.into(),
        reason,
        time: Some(now.into()),
        alerts: u32::try_from(alerts.len()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_change() {
        // Made with Python's uuid.uuid5.
        assert_eq!(id("rule", "/septet/review", "event"), "068ae02b-7467-5426-a1d0-d828e601a9e7");
        assert_ne!(id("rule", "/septet/review", "other"), id("rule", "/septet/review", "event"));
    }
}

//! What the suite's own events mean to security. A further event needs an implementation of [`SuiteEvent`] here and a line
//! in `service()`.

use septet_chassis::contract::Event;
use septet_proto_common::v1::{AccessDenied, Severity, Verdict};
use septet_proto_cx::v1::GuardrailBreached;
use septet_proto_devops::v1::{CheckState, ReleaseDecided, ReleaseState};
use septet_proto_pipeline::v1::{RunFinished, RunState};
use septet_proto_review::v1::ReviewCompleted;
use serde_json::{Value, json};

use super::{Facts, Signal, Subject};
use crate::sigma::EventSource;

/// An event of the suite as security sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observation {
    /// Its author is added by whoever knows it.
    pub subject: Subject,
    pub signals: Vec<Signal>,
    /// When it happened, where the event says so.
    pub time: Option<prost_types::Timestamp>,
}

/// An event of the suite that may be of interest to security.
pub(crate) trait SuiteEvent: Event {
    /// Its CloudEvents `source`: the service that publishes it, for example `/septet/review`.
    fn origin(&self) -> String;

    /// The change that it is about; empty where it is about none.
    fn change_id(&self) -> &str;

    /// What it means, with what is known of its change.
    fn observe(&self, facts: Option<&Facts>) -> Observation;
}

fn signal(service: &str, category: &str, fields: Value, facts: Option<&Facts>) -> Signal {
    let Value::Object(mut fields) = fields else { return Signal::default() };
    if let Some(facts) = facts {
        facts.add_to(&mut fields);
    }
    Signal { source: EventSource::septet(service, category), fields }
}

/// `VERDICT_PASSED` as `passed`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

fn verdict(verdict: Verdict) -> String {
    word(verdict.as_str_name(), "VERDICT_")
}

/// One signal of `service: review, category: review` (`verdict`, `reason`, `findings`, `critical`, `high`, `medium`, `low`), and
/// for each finding that the event shows one of `category: finding` (`verdict` of the whole review, `severity`, `rule_id`, `file`,
/// `line`, `description`, `excerpt`, `fingerprint`). Each has `repository`, `repository_id`, `change_id`, `commit` as well.
impl SuiteEvent for ReviewCompleted {
    fn origin(&self) -> String {
        "/septet/review".to_owned()
    }

    fn change_id(&self) -> &str {
        // The event's own id of a change is the review's where there is no change.
        self.review.as_ref().map_or("", |review| &review.change_id)
    }

    fn observe(&self, facts: Option<&Facts>) -> Observation {
        let review = self.review.clone().unwrap_or_default();
        let count = |severity: Severity| {
            review.counts.iter().find(|of| of.severity() == severity).map_or(0, |of| of.count)
        };
        let whole = json!({
            "repository": review.repository_name,
            "repository_id": review.repository_id,
            "change_id": review.change_id,
            "commit": review.commit,
            "verdict": verdict(review.verdict()),
            "reason": review.reason,
            "findings": self.findings_total,
            "critical": count(Severity::Critical),
            "high": count(Severity::High),
            "medium": count(Severity::Medium),
            "low": count(Severity::Low),
        });
        let findings = self.findings.iter().map(|finding| {
            let fields = json!({
                "repository": review.repository_name,
                "repository_id": review.repository_id,
                "change_id": review.change_id,
                "commit": review.commit,
                "verdict": verdict(review.verdict()),
                "severity": word(finding.severity().as_str_name(), "SEVERITY_"),
                "rule_id": finding.rule_id,
                "file": finding.file,
                "line": finding.line,
                "description": finding.description,
                "excerpt": finding.excerpt,
                "fingerprint": finding.fingerprint,
            });
            signal("review", "finding", fields, facts)
        });
        let signals = std::iter::once(signal("review", "review", whole, facts)).chain(findings).collect();
        let subject = Subject {
            repository_id: review.repository_id.clone(),
            repository_name: review.repository_name.clone(),
            change_id: review.change_id.clone(),
            author: String::new(),
        };
        Observation { subject, signals, time: review.time }
    }
}

/// One signal of `service: devops, category: release`: `state` (`pending`, `eligible`, `blocked`), `reasons`, `revision`,
/// `failed_checks` (names of services), `repository`, `repository_id`, `change_id`, `commit`.
impl SuiteEvent for ReleaseDecided {
    fn origin(&self) -> String {
        "/septet/devops".to_owned()
    }

    fn change_id(&self) -> &str {
        &self.change_id
    }

    fn observe(&self, facts: Option<&Facts>) -> Observation {
        let release = self.release.clone().unwrap_or_default();
        let state: ReleaseState = release.state();
        let failed = release.checks.iter().filter(|check| check.state() == CheckState::Failed);
        let fields = json!({
            "repository": release.repository_name,
            "repository_id": release.repository_id,
            "change_id": self.change_id,
            "commit": release.commit,
            "state": word(state.as_str_name(), "RELEASE_STATE_"),
            "reasons": release.reasons,
            "revision": release.revision,
            "failed_checks": failed.map(|check| check.service.as_str()).collect::<Vec<_>>(),
        });
        let subject = Subject {
            repository_id: release.repository_id.clone(),
            repository_name: release.repository_name.clone(),
            change_id: self.change_id.clone(),
            author: String::new(),
        };
        let signals = vec![signal("devops", "release", fields, facts)];
        Observation { subject, signals, time: release.decided_time }
    }
}

/// One signal of `service: pipeline, category: run`: `state` (`succeeded`, `failed`, `cancelled`, …), `reason`, `name`, `run_id`,
/// `repository`, `repository_id`, `change_id`, `commit`.
impl SuiteEvent for RunFinished {
    fn origin(&self) -> String {
        "/septet/pipeline".to_owned()
    }

    fn change_id(&self) -> &str {
        self.run.as_ref().map_or("", |run| &run.change_id)
    }

    fn observe(&self, facts: Option<&Facts>) -> Observation {
        let run = self.run.clone().unwrap_or_default();
        let state: RunState = run.state();
        let fields = json!({
            "repository": run.repository_name,
            "repository_id": run.repository_id,
            "change_id": run.change_id,
            "commit": run.commit,
            "run_id": self.run_id,
            "name": run.name,
            "state": word(state.as_str_name(), "RUN_STATE_"),
            "reason": run.reason,
        });
        let subject = Subject {
            repository_id: run.repository_id.clone(),
            repository_name: run.repository_name.clone(),
            change_id: run.change_id.clone(),
            author: String::new(),
        };
        Observation {
            subject,
            signals: vec![signal("pipeline", "run", fields, facts)],
            time: run.finished_time,
        }
    }
}

/// One signal of `service: cx, category: guardrail`: `flag_key`, `experiment_id`, `metric`, `variation`, `reason`.
impl SuiteEvent for GuardrailBreached {
    fn origin(&self) -> String {
        "/septet/cx".to_owned()
    }

    fn change_id(&self) -> &str {
        ""
    }

    fn observe(&self, facts: Option<&Facts>) -> Observation {
        let guardrail = self.guardrail.clone().unwrap_or_default();
        let fields = json!({
            "flag_key": self.flag_key,
            "experiment_id": guardrail.experiment_id,
            "metric": guardrail.metric,
            "variation": guardrail.variation,
            "reason": guardrail.reason,
        });
        let signals = vec![signal("cx", "guardrail", fields, facts)];
        Observation { subject: Subject::default(), signals, time: guardrail.time }
    }
}

/// One signal of `service: access, category: denied`: `denied_by` (the process), `method`, `subject`, `code`
/// (`UNAUTHENTICATED`, `PERMISSION_DENIED`), `count`.
impl SuiteEvent for AccessDenied {
    fn origin(&self) -> String {
        format!("/septet/{}", self.service)
    }

    fn change_id(&self) -> &str {
        ""
    }

    fn observe(&self, facts: Option<&Facts>) -> Observation {
        let fields = json!({
            "denied_by": self.service,
            "method": self.method,
            "subject": self.subject,
            "code": self.code,
            "count": self.count,
        });
        let signals = vec![signal("access", "denied", fields, facts)];
        Observation { subject: Subject::default(), signals, time: self.time }
    }
}

use septet_chassis::contract::Timestamp;
use septet_proto_common::v1::{Severity, Verdict};
use septet_proto_review::v1::{self, ReviewCompleted, SeverityCount};
use uuid::Uuid;

use crate::{finding, policy, reviewer::Outcome};

/// Findings that travel with an event or a reply.
const SHOWN: usize = 500;

/// What was reviewed.
pub(crate) struct Subject {
    /// Empty where the diff came without a change.
    pub change_id: String,
    pub repository_id: String,
    pub repository_name: String,
    pub commit: String,
}

/// A review as it is kept and shown.
pub(crate) struct Stored {
    pub review: v1::Review,
    /// Worst first.
    pub findings: Vec<v1::Finding>,
}

impl Stored {
    pub fn new(subject: Subject, outcome: &Outcome, now: Timestamp) -> Self {
        let mut findings: Vec<v1::Finding> = outcome.scan.findings.iter().map(message).collect();
        // Stable: findings of one severity stay in the order of the diff.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let verdict = match outcome.judgement.verdict {
            policy::Verdict::Pass | policy::Verdict::Warn => Verdict::Passed,
            policy::Verdict::Fail => Verdict::Failed,
        };
        let review = v1::Review {
            id: Uuid::now_v7().to_string(),
            change_id: subject.change_id,
            repository_name: subject.repository_name,
            commit: subject.commit,
            verdict: verdict.into(),
            reason: outcome.judgement.reason.clone(),
            counts: counts(&findings),
            files_scanned: outcome.scan.files,
            lines_scanned: outcome.scan.lines,
            time: Some(now.into()),
            rules_version: outcome.rules_version.clone(),
            repository_id: subject.repository_id,
        };
        Self { review, findings }
    }

    /// The fact that others hear of.
    pub fn completed(&self) -> ReviewCompleted {
        let change_id = if self.review.change_id.is_empty() {
            self.review.id.clone()
        } else {
            self.review.change_id.clone()
        };
        ReviewCompleted {
            change_id,
            review: Some(self.review.clone()),
            findings: self.shown(),
            findings_total: u32::try_from(self.findings.len()).unwrap_or(u32::MAX),
        }
    }

    /// The worst findings.
    pub fn shown(&self) -> Vec<v1::Finding> {
        self.findings.iter().take(SHOWN).cloned().collect()
    }
}

fn message(found: &finding::Finding) -> v1::Finding {
    let severity = match found.severity {
        finding::Severity::Low => Severity::Low,
        finding::Severity::Medium => Severity::Medium,
        finding::Severity::High => Severity::High,
        finding::Severity::Critical => Severity::Critical,
    };
    v1::Finding {
        file: found.file.clone(),
        line: found.line,
        rule_id: found.rule_id.clone(),
        description: found.description.clone(),
        severity: severity.into(),
        excerpt: found.excerpt.clone(),
        fingerprint: found.fingerprint.clone(),
    }
}

fn counts(findings: &[v1::Finding]) -> Vec<SeverityCount> {
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low]
        .into_iter()
        .map(|severity| {
            let count = findings.iter().filter(|finding| finding.severity() == severity).count();
            SeverityCount { severity: severity.into(), count: u32::try_from(count).unwrap_or(u32::MAX) }
        })
        .filter(|of| of.count > 0)
        .collect()
}

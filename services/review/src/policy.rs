//! The gate: which findings stop a change.

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Severity};

/// How the gate judges a change. Ordered: `Pass < Warn < Fail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing was found, or everything found is allowed.
    Pass,
    /// Something was found, but nothing that stops the change.
    Warn,
    /// The change must not go on.
    Fail,
}

/// When the gate fails, and what it does not count.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "PolicyEntry", into = "PolicyEntry")]
pub struct Policy {
    entry: PolicyEntry,
    /// One for each entry of `allow` that names a path.
    globs: Vec<Option<Regex>>,
}

/// The policy as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyEntry {
    fail_on: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_findings: Option<u32>,
    allow: Vec<Allow>,
}

/// Findings that the gate does not count: one by its fingerprint, or all below a path, of one rule or of any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// Fingerprint of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Glob over the whole path: `*` and `?` within a folder, `**` across folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Id of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An entry of `allow` allows everything.
    #[error("policy: entry {0} of `allow` names neither `fingerprint` nor `path`; add one")]
    AllowsEverything(usize),
    /// A fingerprint is not 64 hexadecimal digits.
    #[error(
        "policy: entry {0} of `allow`: a fingerprint has 64 lower-case hexadecimal digits, as findings show it"
    )]
    BadFingerprint(usize),
    /// A glob is too long.
    #[error("policy: entry {0} of `allow`: the path has more than {MAX_GLOB} characters")]
    LongGlob(usize),
}

/// Characters of a glob.
const MAX_GLOB: usize = 1_000;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
}

impl Default for PolicyEntry {
    fn default() -> Self {
        PolicyEntry { fail_on: Severity::High, max_findings: None, allow: Vec::new() }
    }
}

impl Default for Policy {
    /// Fails on a finding of high severity or above.
    fn default() -> Self {
        Policy { entry: PolicyEntry::default(), globs: Vec::new() }
    }
}

impl TryFrom<PolicyEntry> for Policy {
    type Error = PolicyError;

    fn try_from(entry: PolicyEntry) -> Result<Self, PolicyError> {
        Policy::new(entry.fail_on, entry.max_findings, entry.allow)
    }
}

impl From<Policy> for PolicyEntry {
    fn from(policy: Policy) -> Self {
        policy.entry
    }
}

impl Policy {
    /// A policy that fails on a finding of `fail_on` or above, and on more than `max_findings` findings of any severity.
    ///
    /// # Errors
    ///
    /// An entry of `allow` would allow everything or is malformed.
    pub fn new(
        fail_on: Severity,
        max_findings: Option<u32>,
        allow: Vec<Allow>,
    ) -> Result<Policy, PolicyError> {
        let mut globs = Vec::with_capacity(allow.len());
        for (position, entry) in (1..).zip(&allow) {
            if entry.fingerprint.is_none() && entry.path.is_none() {
                return Err(PolicyError::AllowsEverything(position));
            }
            let hexadecimal = |text: &String| {
                text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            };
            if !entry.fingerprint.iter().all(hexadecimal) {
                return Err(PolicyError::BadFingerprint(position));
            }
            let glob = |path: &String| glob(path).ok_or(PolicyError::LongGlob(position));
            globs.push(entry.path.as_ref().map(glob).transpose()?);
        }
        Ok(Policy { entry: PolicyEntry { fail_on, max_findings, allow }, globs })
    }

    /// Judges all findings of a change.
    pub fn judge(&self, findings: &[Finding]) -> Judgement {
        let PolicyEntry { fail_on, max_findings, .. } = self.entry;
        let counted: Vec<&Finding> = findings.iter().filter(|finding| !self.allows(finding)).collect();
        let severe = counted.iter().filter(|finding| finding.severity >= fail_on).count();
        let worst = counted.iter().rev().max_by_key(|finding| finding.severity);
        let allowed = match findings.len() - counted.len() {
            0 => String::new(),
            count => format!(" ({count} allowed by the policy)"),
        };
        let Some(worst) = worst else {
            return Judgement { verdict: Verdict::Pass, reason: format!("no findings{allowed}") };
        };
        let worst = format!("worst: {} {} at {}:{}", worst.severity, worst.rule_id, worst.file, worst.line);
        let total = counted.len();
        let (verdict, what) = if severe > 0 {
            (Verdict::Fail, format!("{} of severity {fail_on} or above", count(severe)))
        } else if let Some(limit) = max_findings.filter(|limit| total > *limit as usize) {
            (Verdict::Fail, format!("{}, more than the {limit} allowed", count(total)))
        } else {
            (Verdict::Warn, format!("{} below severity {fail_on}", count(total)))
        };
        Judgement { verdict, reason: format!("{what}{allowed}; {worst}") }
    }

    fn allows(&self, finding: &Finding) -> bool {
        self.entry.allow.iter().zip(&self.globs).any(|(entry, glob)| {
            entry.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == finding.fingerprint)
                && glob.as_ref().is_none_or(|glob| glob.is_match(&finding.file))
                && entry.rule.as_ref().is_none_or(|rule| *rule == finding.rule_id)
        })
    }
}

fn count(findings: usize) -> String {
    if findings == 1 { "1 finding".to_owned() } else { format!("{findings} findings") }
}

/// A glob as a regular expression, which cannot fail but by its size.
fn glob(pattern: &str) -> Option<Regex> {
    if pattern.chars().count() > MAX_GLOB {
        return None;
    }
    let mut expression = String::from(r"(?s)\A");
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("**/") {
            expression.push_str("(?:.*/)?");
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("**") {
            expression.push_str(".*");
            rest = tail;
        } else {
            match character {
                '*' => expression.push_str("[^/]*"),
                '?' => expression.push_str("[^/]"),
                other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
            }
            rest = &rest[character.len_utf8()..];
        }
    }
    expression.push_str(r"\z");
    Regex::new(&expression).ok()
}

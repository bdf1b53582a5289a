//! What the rules match in a block, before it becomes findings.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::bytes::Captures;

use super::block::Block;
use super::entropy::bits_per_character;
use crate::rules::{Allowlist, Place, Rule, Texts};

/// Bytes on each side of a match that `regexTarget = "line"` sees of a long line.
const LINE_REACH: usize = 4096;

/// A match that passed the rule's checks: offsets into a block, never the text itself.
#[derive(Clone)]
pub(super) struct Candidate {
    /// Position of the rule.
    pub rule: usize,
    pub secret: Range<usize>,
    /// Positions in the block of the first and the last line matched.
    pub first_line: usize,
    pub last_line: usize,
}

/// Runs one rule over the block and appends what it finds.
pub(super) fn collect(
    position: usize,
    rule: &Rule,
    block: &Block,
    place: Place<'_>,
    global: &[Allowlist],
    into: &mut Vec<Candidate>,
) {
    let Some(regex) = &rule.regex else { return };
    let text = block.text();
    for captures in regex.captures_iter(text) {
        let Some(matched) = captures.get(0).map(|whole| trimmed(text, whole.range())) else { continue };
        let Some(secret) = secret(rule, &captures).map(|secret| trimmed(text, secret)) else { continue };
        if secret.is_empty()
            || (rule.entropy > 0.0 && bits_per_character(&text[secret.clone()]) <= rule.entropy)
        {
            continue;
        }
        let (first_line, last_line) = (block.line_at(matched.start), block.line_at(matched.end - 1));
        let lines = block.range(first_line).start..block.range(last_line).end;
        let reach = lines.start.max(matched.start.saturating_sub(LINE_REACH))
            ..lines.end.min(matched.end.saturating_add(LINE_REACH));
        let texts = Texts { secret: &text[secret.clone()], matched: &text[matched], line: &text[reach] };
        if !global.iter().chain(&rule.allowlists).any(|list| list.allows(place, texts)) {
            into.push(Candidate { rule: position, secret, first_line, last_line });
        }
    }
}

/// The group that the rule names, or the first one that matched something, or the whole match.
fn secret(rule: &Rule, captures: &Captures<'_>) -> Option<Range<usize>> {
    let group = match rule.secret_group {
        0 => captures.iter().skip(1).flatten().find(|group| !group.is_empty()).or(captures.get(0)),
        group => captures.get(group),
    };
    group.map(|group| group.range())
}

/// Without white space at either end: a rule may consume the line feed that ends its secret.
fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.start + (inside.len() - inside.trim_ascii_start().len());
    start..(start + inside.trim_ascii().len())
}

/// Keeps the best candidate where several found the same secret: one that knows it by its form before a generic one,
/// then the higher severity, the longer secret, the earlier rule. The result is in the order of the text.
pub(super) fn distinct(mut candidates: Vec<Candidate>, rules: &[Rule]) -> Vec<Candidate> {
    candidates.sort_by_key(|candidate| {
        let rule = &rules[candidate.rule];
        let length = std::cmp::Reverse(candidate.secret.len());
        (rule.generic, std::cmp::Reverse(rule.severity), length, candidate.rule, candidate.secret.start)
    });
    // Kept secrets by where they start. They do not overlap, so only the last one before a new one's end can.
    let mut kept = BTreeMap::<usize, Candidate>::new();
    for candidate in candidates {
        let before = kept.range(..candidate.secret.end).next_back();
        if before.is_none_or(|(_, other)| other.secret.end <= candidate.secret.start) {
            kept.insert(candidate.secret.start, candidate);
        }
    }
    kept.into_values().collect()
}

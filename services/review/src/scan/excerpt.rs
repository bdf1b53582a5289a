//! The line that a finding shows, with no secret left in it.

use std::ops::Range;

use super::block::Block;
use super::candidate::Candidate;

/// Characters that an excerpt may have.
pub(super) const MAX_CHARACTERS: usize = 160;
/// Bytes of a line on each side of the finding that are looked at. Far more than an excerpt shows, since a long secret
/// shrinks to one mark.
const REACH: usize = 1024;
/// Bytes of a line whose secrets are looked for together.
const STRETCH: usize = 64 << 10;
const MARK: &str = "[redacted]";

/// The secrets of a block: what no excerpt of the block may show.
pub(super) struct Redactions {
    /// As the rules found them, by where they start.
    secrets: Vec<Range<usize>>,
    /// Widened and merged, in order.
    spans: Vec<Range<usize>>,
    /// The stretch asked for last and what to hide in it: findings of one line come one after the other.
    last: (Range<usize>, Vec<Range<usize>>),
}

impl Redactions {
    pub(super) fn new(block: &Block, candidates: &[Candidate]) -> Redactions {
        let mut secrets: Vec<_> = candidates.iter().map(|candidate| candidate.secret.clone()).collect();
        secrets.sort_by_key(|secret| (secret.start, secret.end));
        secrets.dedup();
        let spans = merged(secrets.iter().map(|secret| widened(block.text(), secret)).collect());
        Redactions { secrets, spans, last: (0..0, Vec::new()) }
    }

    /// What to hide within [`REACH`] of a place in a line, in order: the secrets there, and their repetitions that no
    /// rule matched.
    fn around(&mut self, text: &[u8], line: &Range<usize>, focus: usize) -> &[Range<usize>] {
        let begin = line.start + (focus - line.start) / STRETCH * STRETCH;
        // Wide enough for a repetition at the edge of what is shown to be seen whole.
        let stretch =
            begin.saturating_sub(2 * REACH).max(line.start)..(begin + STRETCH + 2 * REACH).min(line.end);
        if self.last.0 != stretch {
            let mut hidden = touching(&self.spans, &stretch).to_vec();
            let from = self.secrets.partition_point(|secret| secret.start < stretch.start);
            let to = self.secrets.partition_point(|secret| secret.start < stretch.end);
            let inside = self.secrets.get(from..to).unwrap_or_default().iter();
            let needles = inside.filter(|secret| secret.len() <= REACH).map(|secret| &text[secret.clone()]);
            // One automaton for all keeps this linear, whatever the secrets repeat.
            if let Ok(search) = aho_corasick::AhoCorasick::new(needles) {
                let found = search.find_overlapping_iter(&text[stretch.clone()]).map(|one| one.range());
                hidden.extend(found.map(|range| stretch.start + range.start..stretch.start + range.end));
            }
            self.last = (stretch, merged(hidden));
        }
        touching(&self.last.1, &(focus.saturating_sub(REACH)..focus.saturating_add(REACH)))
    }
}

/// Those of the spans, which are in order and apart, that touch the window.
fn touching<'s>(spans: &'s [Range<usize>], window: &Range<usize>) -> &'s [Range<usize>] {
    let from = spans.partition_point(|span| span.end <= window.start);
    let to = spans.partition_point(|span| span.start < window.end);
    spans.get(from..to).unwrap_or_default()
}

/// At most [`MAX_CHARACTERS`] of the candidate's first line around its secret, or around the line's start where the
/// secret is on a later line. Control characters become blanks, bytes that are not UTF-8 the replacement character.
pub(super) fn excerpt(block: &Block, candidate: &Candidate, redactions: &mut Redactions) -> String {
    let text = block.text();
    let line = block.range(candidate.first_line);
    let focus = candidate.secret.start.min(line.end);
    let window = line.start.max(focus.saturating_sub(REACH))..line.end.min(focus.saturating_add(REACH));
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut shown = window.start;
    for span in touching(redactions.around(text, &line, focus), &window) {
        let side = if shown < focus { &mut left } else { &mut right };
        push(side, &text[shown..span.start.max(shown)]);
        let side = if span.start < focus { &mut left } else { &mut right };
        side.extend(MARK.chars());
        shown = span.end.clamp(shown, window.end);
    }
    push(if shown < focus { &mut left } else { &mut right }, &text[shown..window.end]);
    cut(&left, &right)
}

/// The secret with the characters of a token directly around it, which a rule of a fixed length may have left out.
fn widened(text: &[u8], secret: &Range<usize>) -> Range<usize> {
    let before = text[..secret.start].iter().rev().take(REACH);
    let after = text[secret.end..].iter().take(REACH);
    let left = before.take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let right = after
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'='))
        .count();
    secret.start - left..secret.end + right
}

fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| span.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

fn push(side: &mut Vec<char>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        side.extend(chunk.valid().chars().map(|character| if hidden(character) { ' ' } else { character }));
        if !chunk.invalid().is_empty() {
            side.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Control characters, and those that reorder or hide what a terminal shows.
fn hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Joins both sides of the focus within the limit, giving each what the other does not need.
fn cut(left: &[char], right: &[char]) -> String {
    let half = MAX_CHARACTERS / 2;
    let room_right = MAX_CHARACTERS - left.len().min(half);
    let room_left = MAX_CHARACTERS - right.len().min(room_right);
    let (left, before) = match left.len() > room_left {
        true => (&left[left.len() - (room_left - 1)..], "…"),
        false => (left, ""),
    };
    let (right, after) = match right.len() > room_right {
        true => (&right[..room_right - 1], "…"),
        false => (right, ""),
    };
    let joined: String =
        before.chars().chain(left.iter().chain(right).copied()).chain(after.chars()).collect();
    joined.trim().to_owned()
}

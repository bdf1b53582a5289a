//! Pieces of a source text as one line each.

use std::ops::Range;

/// Characters of documentation that are kept.
const MAX_DOCS: usize = 4_000;
/// Characters of a signature that are kept.
const MAX_SIGNATURE: usize = 2_000;

/// A text with the places of its comments and lines.
pub(super) struct Source<'a> {
    text: &'a str,
    comments: Vec<Range<usize>>,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// `comments` in their order.
    pub fn new(text: &'a str, comments: Vec<Range<usize>>) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, comments, starts }
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Line of a place, from 1.
    pub fn line(&self, at: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }

    /// Number of lines.
    pub fn lines(&self) -> u32 {
        u32::try_from(self.text.lines().count()).unwrap_or(u32::MAX).max(1)
    }

    /// A piece on one line, without comments.
    pub fn piece(&self, range: Range<usize>) -> String {
        let mut bare = String::with_capacity(range.len());
        let mut from = range.start;
        let first = self.comments.partition_point(|comment| comment.end <= range.start);
        for comment in self.comments[first..].iter().take_while(|comment| comment.start < range.end) {
            bare.push_str(self.text.get(from..comment.start).unwrap_or_default());
            bare.push(' ');
            from = comment.end;
        }
        bare.push_str(self.text.get(from..range.end).unwrap_or_default());
        one_line(&bare)
    }
}

/// A text on one line, as if nobody had broken it: no space and no trailing comma inside of brackets that were spread over
/// lines. Spaces within a line stay, as they may be part of a literal.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find(char::is_whitespace) {
        let (before, after) = rest.split_at(at);
        line.push_str(before);
        let end = after.find(|c: char| !c.is_whitespace()).unwrap_or(after.len());
        let (gap, next) = after.split_at(end);
        if !gap.contains('\n') {
            line.push_str(gap);
        } else if next.starts_with([')', ']', '>', '.']) {
            if line.ends_with(',') {
                line.pop();
            }
        } else if !line.ends_with(['(', '[', '<']) && !line.ends_with(' ') {
            line.push(' ');
        }
        rest = next;
    }
    line.push_str(rest);
    cut(line, MAX_SIGNATURE)
}

/// Documentation without common indentation, at most so long as is kept.
pub(super) fn docs(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut lines = text.trim_end().lines();
    let first = lines.next().unwrap_or_default().trim();
    let rest: Vec<&str> = lines.collect();
    let indent = rest
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches([' ', '\t']).len())
        .min()
        .unwrap_or(0);
    let mut clean = first.to_owned();
    for line in rest {
        clean.push('\n');
        clean.push_str(line.get(indent..).unwrap_or_default().trim_end());
    }
    cut(clean.trim().to_owned(), MAX_DOCS)
}

fn cut(mut text: String, limit: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(limit) {
        text.truncate(at);
        text.push('…');
    }
    text
}

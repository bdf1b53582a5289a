//! The lines in which two texts differ, and their hunks in unified format.

use std::io::{self, Write};
use std::ops::Range;

use gix::diff::blob::{Algorithm, Diff, Hunk, InternedInput};

/// Lines of context around a change.
const CONTEXT: u32 = 3;
/// Most bytes of a heading after `@@`.
const HEADING: usize = 80;

/// A comparison of two texts, line by line.
pub(super) struct LineDiff<'a> {
    input: InternedInput<&'a [u8]>,
    diff: Diff,
}

impl<'a> LineDiff<'a> {
    /// Compares with the algorithm, and the placing of ambiguous changes, that git has as its default.
    pub(super) fn new(old: &'a [u8], new: &'a [u8]) -> Self {
        let input = InternedInput::new(old, new);
        let mut diff = Diff::compute(Algorithm::Myers, &input);
        diff.postprocess_lines(&input);
        Self { input, diff }
    }

    pub(super) fn added(&self) -> u32 {
        self.diff.count_additions()
    }

    pub(super) fn deleted(&self) -> u32 {
        self.diff.count_removals()
    }

    /// Bytes that [`write`](Self::write) would write.
    pub(super) fn size(&self) -> u64 {
        let mut count = Count(0);
        match self.write(&mut count) {
            Ok(()) => count.0,
            Err(_) => u64::MAX,
        }
    }

    /// Writes all hunks.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut hunks = self.diff.hunks().peekable();
        let mut heading: &[u8] = b"";
        let mut searched = 0;
        while let Some(first) = hunks.next() {
            let mut group = vec![first];
            // Changes whose contexts touch or overlap share one hunk.
            while let Some(next) = hunks.next_if(|next| {
                group.last().is_none_or(|last: &Hunk| next.before.start - last.before.end <= 2 * CONTEXT)
            }) {
                group.push(next);
            }
            let start = group.first().map_or(0, |hunk| hunk.before.start).saturating_sub(CONTEXT);
            if let Some(found) = self.heading(searched..start) {
                heading = found;
            }
            searched = start;
            self.hunk(&group, heading, out)?;
        }
        Ok(())
    }

    fn hunk(&self, group: &[Hunk], heading: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(()) };
        let lead = CONTEXT.min(first.before.start).min(first.after.start);
        let rest = (self.input.before.len() as u32 - last.before.end)
            .min(self.input.after.len() as u32 - last.after.end);
        let tail = CONTEXT.min(rest);
        let before = first.before.start - lead..last.before.end + tail;
        let after = first.after.start - lead..last.after.end + tail;
        write!(out, "@@ -{} +{} @@", Span(&before), Span(&after))?;
        if !heading.is_empty() {
            out.write_all(b" ")?;
            out.write_all(heading)?;
        }
        out.write_all(b"\n")?;
        let mut position = before.start;
        for hunk in group {
            self.lines(b' ', false, position..hunk.before.start, out)?;
            self.lines(b'-', false, hunk.before.clone(), out)?;
            self.lines(b'+', true, hunk.after.clone(), out)?;
            position = hunk.before.end;
        }
        self.lines(b' ', false, position..before.end, out)
    }

    fn lines(&self, sign: u8, new: bool, range: Range<u32>, out: &mut dyn Write) -> io::Result<()> {
        let tokens = if new { &self.input.after } else { &self.input.before };
        for token in &tokens[range.start as usize..range.end as usize] {
            let line = self.input.interner[*token];
            out.write_all(&[sign])?;
            out.write_all(line)?;
            if !line.ends_with(b"\n") {
                out.write_all(b"\n\\ No newline at end of file\n")?;
            }
        }
        Ok(())
    }

    /// The last line in `range` that starts like a definition, which is what git shows after `@@`.
    fn heading(&self, range: Range<u32>) -> Option<&'a [u8]> {
        let lines = &self.input.before[range.start as usize..(range.end as usize).max(range.start as usize)];
        let line = lines.iter().rev().map(|token| self.input.interner[*token]).find(|line| {
            line.first().is_some_and(|first| first.is_ascii_alphabetic() || b"_$".contains(first))
        })?;
        let cut = &line[..line.len().min(HEADING)];
        let end = cut.iter().rposition(|byte| !b" \t\r\n".contains(byte)).map_or(0, |last| last + 1);
        Some(&cut[..end])
    }
}

/// A range of lines in a hunk's header: from 1, the length left out if 1, and the line before if empty.
struct Span<'a>(&'a Range<u32>);

impl std::fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.end - self.0.start {
            0 => write!(f, "{},0", self.0.start),
            1 => write!(f, "{}", self.0.start + 1),
            length => write!(f, "{},{length}", self.0.start + 1),
        }
    }
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! The state machine over a diff's lines.

use std::sync::Arc;

use super::hunk::{Hunk, HunkLine};
use super::{AddedLine, DiffError, DiffProblem, Event, Limits, header::Header};

/// Reads a diff: an iterator over files and added lines that ends at the first error.
pub struct Diff<'a> {
    rest: &'a [u8],
    /// Lines consumed.
    line: u64,
    limits: Limits,
    files: u32,
    hunks: u32,
    header: Option<Header>,
    path: Arc<str>,
    hunk: Option<Hunk>,
    /// The last line was a hunk's last one, so a `+` here is one that the hunk's header hid.
    after_hunk: bool,
    ended: bool,
}

impl<'a> Diff<'a> {
    /// Begins to read. The limits are checked as the lines come.
    pub fn new(diff: &'a [u8], limits: Limits) -> Self {
        Diff {
            rest: diff,
            line: 0,
            limits,
            files: 0,
            hunks: 0,
            header: None,
            path: Arc::from(""),
            hunk: None,
            after_hunk: false,
            ended: false,
        }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, DiffProblem> {
        if self.line == 0 && self.rest.len() > self.limits.max_bytes {
            return Err(DiffProblem::TooLarge { bytes: self.rest.len(), limit: self.limits.max_bytes });
        }
        loop {
            if let Some(hunk) = &mut self.hunk {
                if !hunk.complete() {
                    let Some((line, rest)) = first_line(self.rest) else {
                        return Err(DiffProblem::Truncated);
                    };
                    (self.rest, self.line) = (rest, self.line + 1);
                    check_length(line, self.limits)?;
                    let line = without_return(line);
                    if let HunkLine::Added(number, content) = hunk.take(line)? {
                        let (path, hunk) = (Arc::clone(&self.path), self.hunks);
                        return Ok(Some(Event::Added(AddedLine { path, number, hunk, content })));
                    }
                    continue;
                }
                self.hunk = None;
                self.after_hunk = true;
            }
            let Some((line, rest)) = first_line(self.rest) else { return self.announce() };
            let whole = line;
            let line = without_return(line);
            if self.closes_header(line, rest)
                && let Some(event) = self.announce()?
            {
                // The line itself is looked at again in the next step.
                return Ok(Some(event));
            }
            (self.rest, self.line) = (rest, self.line + 1);
            check_length(whole, self.limits)?;
            self.outside(line)?;
        }
    }

    /// Whether the header read so far is whole before this line.
    fn closes_header(&self, line: &[u8], rest: &[u8]) -> bool {
        let sides_follow = line.starts_with(b"--- ") && sides(line, rest).is_some();
        line.starts_with(b"diff ")
            || line.starts_with(b"@@")
            || self
                .header
                .as_ref()
                .is_some_and(|header| (sides_follow && header.has_sides()) || header.closed_by_remark(line))
    }

    /// Yields the file of the header, once.
    fn announce(&mut self) -> Result<Option<Event<'a>>, DiffProblem> {
        let Some(header) = self.header.as_mut().filter(|header| !header.announced) else { return Ok(None) };
        header.announced = true;
        let file = header.file()?;
        self.files += 1;
        if self.files > self.limits.max_files {
            return Err(DiffProblem::TooManyFiles { limit: self.limits.max_files });
        }
        self.path = Arc::clone(&file.path);
        Ok(Some(Event::File(file)))
    }

    /// Takes a line that is in no hunk.
    fn outside(&mut self, line: &'a [u8]) -> Result<(), DiffProblem> {
        let after_hunk = std::mem::replace(&mut self.after_hunk, false);
        if line.starts_with(b"@@") {
            if !self.header.as_ref().is_some_and(Header::has_sides) {
                return Err(DiffProblem::HunkWithoutFile);
            }
            self.hunk = Some(Hunk::parse(line)?);
            self.hunks = self.hunks.saturating_add(1);
        } else if line.starts_with(b"diff ") {
            self.header = Header::begin(line);
        } else if let Some((old, new)) = sides(line, self.rest) {
            let mut header = self.header.take().filter(|header| !header.announced).unwrap_or_default();
            header.sides(old, new)?;
            self.header = Some(header);
            if let Some((_, rest)) = first_line(self.rest) {
                (self.rest, self.line) = (rest, self.line + 1);
            }
        } else if after_hunk && line.starts_with(b"\\") {
            self.after_hunk = true;
        } else if after_hunk && is_signature(line) {
            self.header = None;
        } else if after_hunk && (line.starts_with(b"+") || line.starts_with(b"-")) {
            return Err(DiffProblem::HunkTooLong);
        } else if let Some(header) = self.header.as_mut().filter(|header| !header.announced) {
            header.extend(line)?;
        } else if let Some(header) = Header::of_binary_remark(line) {
            self.header = Some(header);
        }
        // Anything else is prose around the diff: a commit's message, `Only in …`, a mail's headers.
        Ok(())
    }
}

impl<'a> Iterator for Diff<'a> {
    type Item = Result<Event<'a>, DiffError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.step() {
            Ok(Some(event)) => Some(Ok(event)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(problem) => {
                self.ended = true;
                Some(Err(DiffError { line: self.line.max(1), problem }))
            }
        }
    }
}

/// The names of a `---` line and the `+++` line after it.
fn sides<'a>(line: &'a [u8], rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let old = line.strip_prefix(b"--- ")?;
    let new = without_return(first_line(rest)?.0).strip_prefix(b"+++ ")?;
    Some((old, new))
}

/// The line before which `git format-patch` ends the diff and puts its version.
fn is_signature(line: &[u8]) -> bool {
    line == b"-- " || line == b"--"
}

fn first_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    match text.iter().position(|&byte| byte == b'\n') {
        Some(end) => Some((&text[..end], &text[end + 1..])),
        None => Some((text, &[])),
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn check_length(line: &[u8], limits: Limits) -> Result<(), DiffProblem> {
    if line.len() > limits.max_line_bytes {
        return Err(DiffProblem::LineTooLong { limit: limits.max_line_bytes });
    }
    Ok(())
}

//! One hunk: its header's numbers, counted down line by line.

use super::DiffProblem;

/// Merges of more parents than this are refused; git itself has never printed one.
const MAX_PARENTS: usize = 64;

/// What is left of a hunk. An ordinary hunk has one parent; one of a combined diff has several, and each line then
/// begins with one column per parent.
pub(super) struct Hunk {
    old_left: Vec<u32>,
    new_left: u32,
    next_line: u32,
}

/// What a line of a hunk is.
pub(super) enum HunkLine<'a> {
    /// New against at least one parent: number after the change, content.
    Added(u32, &'a [u8]),
    /// Context, a removed line, or the remark that a line has no line feed.
    Other,
}

impl Hunk {
    /// Reads `@@ -1,2 +3,4 @@ …`, with one more `@` and `-` range for each further parent.
    pub(super) fn parse(line: &[u8]) -> Result<Hunk, DiffProblem> {
        let marks = line.iter().take_while(|&&byte| byte == b'@').count();
        let parents = marks.saturating_sub(1);
        if parents == 0 || parents > MAX_PARENTS {
            return Err(DiffProblem::BadHunkHeader);
        }
        let mut words = line[marks..].split(|&byte| byte == b' ');
        // The header's first blank.
        if words.next() != Some(b"") {
            return Err(DiffProblem::BadHunkHeader);
        }
        let mut old_left = Vec::with_capacity(parents);
        for _ in 0..parents {
            old_left.push(range(words.next(), b'-')?.1);
        }
        let (next_line, new_left) = range(words.next(), b'+')?;
        let closed = words.next().is_some_and(|word| word.len() >= marks && word.starts_with(&line[..marks]));
        if !closed || next_line.checked_add(new_left).is_none() {
            return Err(DiffProblem::BadHunkHeader);
        }
        Ok(Hunk { old_left, new_left, next_line })
    }

    /// All lines that the header promised were seen.
    pub(super) fn complete(&self) -> bool {
        self.new_left == 0 && self.old_left.iter().all(|&left| left == 0)
    }

    /// Takes the next line, with its columns.
    pub(super) fn take<'a>(&mut self, line: &'a [u8]) -> Result<HunkLine<'a>, DiffProblem> {
        if line.starts_with(b"\\") {
            return Ok(HunkLine::Other);
        }
        let parents = self.old_left.len();
        // Mailers and editors strip the blank off an empty context line.
        let (columns, content) = match line.split_at_checked(parents) {
            Some(parts) => parts,
            None if line.iter().all(|&byte| byte == b' ') => (&[b' '; MAX_PARENTS][..parents], &line[..0]),
            None => return Err(DiffProblem::BadHunkLine),
        };
        if !columns.iter().all(|column| matches!(column, b' ' | b'+' | b'-')) {
            return Err(DiffProblem::BadHunkLine);
        }
        let removed = columns.contains(&b'-');
        // A parent has the line where its column says removed, or, for a line that stays, where it says nothing.
        let in_parent = if removed { b'-' } else { b' ' };
        for (left, column) in self.old_left.iter_mut().zip(columns) {
            if *column == in_parent {
                *left = left.checked_sub(1).ok_or(DiffProblem::HunkTooLong)?;
            }
        }
        if removed {
            return Ok(HunkLine::Other);
        }
        self.new_left = self.new_left.checked_sub(1).ok_or(DiffProblem::HunkTooLong)?;
        let number = self.next_line;
        self.next_line = self.next_line.saturating_add(1);
        Ok(if columns.contains(&b'+') { HunkLine::Added(number, content) } else { HunkLine::Other })
    }
}

/// Start and count of `-12,3` or `+12`, which means a count of one.
fn range(word: Option<&[u8]>, sign: u8) -> Result<(u32, u32), DiffProblem> {
    let parse = || {
        let word = std::str::from_utf8(word?.strip_prefix(&[sign])?).ok()?;
        let (start, count) = word.split_once(',').unwrap_or((word, "1"));
        let number =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
        Some((number(start)?, number(count)?))
    };
    parse().ok_or(DiffProblem::BadHunkHeader)
}

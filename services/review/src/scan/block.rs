//! The added lines of one hunk as one text, so that a secret may run over several lines.

use std::ops::Range;

/// Added lines, joined by line feeds. Holds secrets, so it is not printable.
#[derive(Default)]
pub(super) struct Block {
    text: Vec<u8>,
    /// Where each line starts in the text, and its number in the file.
    lines: Vec<(usize, u32)>,
}

impl Block {
    pub(super) fn push(&mut self, number: u32, content: &[u8]) {
        if !self.lines.is_empty() {
            self.text.push(b'\n');
        }
        self.lines.push((self.text.len(), number));
        self.text.extend_from_slice(content);
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Position among the block's lines of the line that holds the offset.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.lines.partition_point(|(start, _)| *start <= offset).saturating_sub(1)
    }

    /// Number in the file of the line at that position.
    pub(super) fn number(&self, line: usize) -> u32 {
        self.lines.get(line).map_or(0, |(_, number)| *number)
    }

    /// Bytes of the line at that position, without its line feed.
    pub(super) fn range(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line).map_or(self.text.len(), |(start, _)| *start);
        let end = self.lines.get(line + 1).map_or(self.text.len(), |(next, _)| next - 1);
        start..end
    }
}

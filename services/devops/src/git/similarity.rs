//! How alike two files are, measured as git measures it, so that renames agree with `git diff -M`.
//!
//! A file is cut into lines, and lines into pieces of at most 64 bytes. Each piece counts its bytes under its hash. Bytes
//! that both files have under a hash are taken as carried over; their share of the larger file is the similarity.

/// Score of identical files.
pub(super) const FULL: u64 = 60_000;
/// Score from which on a file counts as renamed: 50 %.
pub(super) const ENOUGH: u64 = FULL / 2;

/// Number of hash values; a prime that git uses, and scores depend on.
const BUCKETS: u32 = 107_927;
const PIECE: u32 = 64;

/// A file's pieces: bytes by hash, sorted by hash.
pub(super) struct Sketch {
    pieces: Vec<(u32, u32)>,
    size: u64,
}

impl Sketch {
    /// Measures a file. In text, the carriage return of a line end is passed over.
    pub(super) fn new(content: &[u8]) -> Self {
        let text = !is_binary(content);
        let mut all = Vec::new();
        let (mut low, mut high, mut length) = (0_u32, 0_u32, 0_u32);
        let mut bytes = content.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if text && byte == b'\r' && bytes.peek() == Some(&b'\n') {
                continue;
            }
            let before = low;
            low = (low << 7) ^ (high >> 25);
            high = (high << 7) ^ (before >> 25);
            low = low.wrapping_add(u32::from(byte));
            length += 1;
            if length == PIECE || byte == b'\n' {
                all.push((hash(low, high), length));
                (low, high, length) = (0, 0, 0);
            }
        }
        if length > 0 {
            all.push((hash(low, high), length));
        }
        all.sort_unstable();
        let mut pieces: Vec<(u32, u32)> = Vec::new();
        for (hash, length) in all {
            match pieces.last_mut() {
                Some(last) if last.0 == hash => last.1 = last.1.saturating_add(length),
                _ => pieces.push((hash, length)),
            }
        }
        pieces.shrink_to_fit();
        Self { pieces, size: content.len() as u64 }
    }

    /// Score of a rename from this file to `new`, 0 to [`FULL`].
    pub(super) fn score(&self, new: &Self) -> u64 {
        let mut common = 0_u64;
        let mut theirs = new.pieces.iter().peekable();
        for &(hash, length) in &self.pieces {
            while theirs.next_if(|piece| piece.0 < hash).is_some() {}
            if let Some(piece) = theirs.next_if(|piece| piece.0 == hash) {
                common += u64::from(length.min(piece.1));
            }
        }
        (common * FULL).checked_div(self.size.max(new.size)).unwrap_or(0)
    }
}

/// Whether two sizes alone leave it possible that a score reaches `least`.
pub(super) fn possible(old: u64, new: u64, least: u64) -> bool {
    let (larger, smaller) = (old.max(new), old.min(new));
    smaller > 0 && larger.saturating_mul(FULL - least) >= (larger - smaller).saturating_mul(FULL)
}

/// Git's rule: a file with a zero byte near its start is binary.
pub(super) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8_000).any(|byte| *byte == 0)
}

fn hash(low: u32, high: u32) -> u32 {
    low.wrapping_add(high.wrapping_mul(0x61)) % BUCKETS
}

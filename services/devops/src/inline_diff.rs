//! What an event says of a diff.

use std::io::{self, Write};

use septet_proto_devops::v1::Diff;
use sha2::{Digest, Sha256};

/// Largest diff that an event carries, in bytes.
const INLINE: usize = 64 * 1024;

/// Takes a diff of any size and keeps its beginning, size and digest.
#[derive(Default)]
pub(crate) struct InlineDiff {
    kept: Vec<u8>,
    size: u64,
    digest: Sha256,
}

impl Write for InlineDiff {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = INLINE - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.size += bytes.len() as u64;
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl InlineDiff {
    /// The diff inline if it is small enough, else by reference. `left_out` files were kept out of it by a limit.
    pub fn finish(self, left_out: u32) -> Diff {
        let fits = self.size <= INLINE as u64;
        Diff {
            inline: if fits { self.kept.into() } else { Default::default() },
            size: self.size,
            complete: fits && left_out == 0,
            left_out,
            sha256: hex::encode(self.digest.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pieces: &[usize]) -> Diff {
        let mut diff = InlineDiff::default();
        for &length in pieces {
            diff.write_all(&vec![b'+'; length]).unwrap();
        }
        diff.finish(0)
    }

    #[test]
    fn up_to_the_limit_it_is_inline_and_above_by_reference() {
        let full = taken(&[1, INLINE - 1]);
        assert_eq!((full.inline.len(), full.size, full.complete), (INLINE, INLINE as u64, true));
        let over = taken(&[INLINE, 1]);
        assert_eq!((over.inline.len(), over.size, over.complete), (0, INLINE as u64 + 1, false));
        // SHA-256 of nothing.
        let none = taken(&[]);
        assert_eq!(none.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(none.complete);
    }

    #[test]
    fn a_diff_with_something_left_out_is_not_complete() {
        let mut diff = InlineDiff::default();
        diff.write_all(b"+x\n").unwrap();
        let diff = diff.finish(1);
        assert_eq!((&diff.inline[..], diff.complete), (&b"+x\n"[..], false));
    }
}

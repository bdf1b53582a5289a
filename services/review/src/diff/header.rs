//! The lines before a file's first hunk, gathered until they name the file.

use super::{ChangeKind, DiffProblem, FileChange, path};

/// A path without prefix, or none for `/dev/null`.
type Side = Option<Vec<u8>>;

const NOWHERE: &[u8] = b"/dev/null";

/// The header of one file while it is read.
#[derive(Default)]
pub(super) struct Header {
    /// Names of the `diff --git` or `diff --cc` line.
    git: Option<(Vec<u8>, Vec<u8>)>,
    /// Names of the `---` and `+++` lines.
    sides: Option<(Vec<u8>, Vec<u8>)>,
    /// Names of `rename from`, `copy to` and so on, which carry no prefix.
    moved_from: Option<Vec<u8>>,
    moved_to: Option<Vec<u8>>,
    kind: Option<ChangeKind>,
    binary: bool,
    /// The file was yielded.
    pub(super) announced: bool,
}

impl Header {
    /// Begins with a line that names the file, if this is one.
    pub(super) fn begin(line: &[u8]) -> Option<Header> {
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            return Some(Header { git: path::git_names(names), ..Header::default() });
        }
        let merged = line.strip_prefix(b"diff --cc ").or_else(|| line.strip_prefix(b"diff --combined "))?;
        Some(Header { git: path::name(merged).map(|name| (name.clone(), name)), ..Header::default() })
    }

    /// Begins with the `---` and `+++` lines of a plain `diff -u`, or adds them to a header that has none.
    pub(super) fn sides(&mut self, old: &[u8], new: &[u8]) -> Result<(), DiffProblem> {
        let name = |line: &[u8]| path::name(line).ok_or(DiffProblem::BadPath);
        self.sides = Some((name(old)?, name(new)?));
        Ok(())
    }

    /// Has its `---` and `+++` lines.
    pub(super) fn has_sides(&self) -> bool {
        self.sides.is_some()
    }

    /// Is known to be binary and would not say so again.
    pub(super) fn closed_by_remark(&self, line: &[u8]) -> bool {
        self.binary && is_binary_remark(line)
    }

    /// Takes one of git's extended header lines. Unknown ones (`index`, modes, similarity) say nothing needed here.
    pub(super) fn extend(&mut self, line: &[u8]) -> Result<(), DiffProblem> {
        let name = |text: &[u8]| path::name(text).map(Some).ok_or(DiffProblem::BadPath);
        if line.starts_with(b"new file mode ") {
            self.kind = Some(ChangeKind::Added);
        } else if line.starts_with(b"deleted file mode ") {
            self.kind = Some(ChangeKind::Deleted);
        } else if let Some(from) = line.strip_prefix(b"rename from ") {
            self.moved_from = name(from)?;
            self.kind = Some(ChangeKind::Renamed);
        } else if let Some(to) = line.strip_prefix(b"rename to ") {
            self.moved_to = name(to)?;
        } else if let Some(from) = line.strip_prefix(b"copy from ") {
            self.moved_from = name(from)?;
            self.kind = Some(ChangeKind::Copied);
        } else if let Some(to) = line.strip_prefix(b"copy to ") {
            self.moved_to = name(to)?;
        } else if line == b"GIT binary patch" || is_binary_remark(line) {
            self.binary = true;
        }
        Ok(())
    }

    /// The header of a plain `Binary files x and y differ`.
    pub(super) fn of_binary_remark(line: &[u8]) -> Option<Header> {
        let names = line.strip_prefix(b"Binary files ")?.strip_suffix(b" differ")?;
        let middle = names.windows(5).position(|window| window == b" and ")?;
        let sides = (names[..middle].to_vec(), names[middle + 5..].to_vec());
        Some(Header { sides: Some(sides), binary: true, ..Header::default() })
    }

    /// The file that the header describes.
    pub(super) fn file(&self) -> Result<FileChange, DiffProblem> {
        let (old, new) = self.paths().ok_or(DiffProblem::BadPath)?;
        let kind = self.kind.unwrap_or(match (&old, &new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        });
        let path = new.or(old.clone()).map(|path| path::readable(&path)).ok_or(DiffProblem::BadPath)?;
        let old_path = old.map(|old| path::readable(&old)).filter(|old| *old != path);
        Ok(FileChange { path, old_path, kind, binary: self.binary })
    }

    /// Both paths without prefixes; `/dev/null` is none.
    fn paths(&self) -> Option<(Side, Side)> {
        if let (Some(from), Some(to)) = (&self.moved_from, &self.moved_to) {
            return Some((Some(from.clone()), Some(to.clone())));
        }
        let (old, new) = self.sides.as_ref().or(self.git.as_ref())?;
        let strip = match (old.as_slice(), new.as_slice()) {
            // One name alone does not tell a prefix from a folder; the `diff --git` line has both.
            (NOWHERE, _) | (_, NOWHERE) => match &self.git {
                Some((before, after)) => {
                    before == after && self.merged(before) || path::prefixed(before, after)
                }
                None => true,
            },
            (old, new) => {
                path::prefixed(old, new)
                    || matches!((path::prefix(old), path::prefix(new)), (Some(b'a'), Some(b'b')))
            }
        };
        let side = |name: &[u8]| match name {
            NOWHERE => None,
            name if strip && path::prefix(name).is_some() => Some(name[2..].to_vec()),
            name => Some(name.to_vec()),
        };
        Some((side(old), side(new)))
    }

    /// The header is that of a merge: `diff --cc` names the path bare while `+++` puts a prefix before it.
    fn merged(&self, bare: &[u8]) -> bool {
        self.sides.as_ref().is_some_and(|(old, new)| {
            [old, new].into_iter().any(|side| path::prefix(side).is_some() && side[2..] == *bare)
        })
    }
}

fn is_binary_remark(line: &[u8]) -> bool {
    line.starts_with(b"Binary files ") && line.ends_with(b" differ")
}

//! Writes the diff of a commit, file by file, within its limits.

use std::io::Write;

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::object::Kind;
use gix::objs::tree::EntryKind;

use super::change::{FileChange, FileStatus};
use super::line_diff::LineDiff;
use super::objects::Objects;
use super::quote;
use super::similarity::is_binary;
use super::tree::{Delta, Version};
use super::{DiffLimits, GitError};

/// Bytes kept free below the limit for the line that says where the diff ends.
const RESERVE: u64 = 256;
/// Largest version of a file that is read only to see whether it is binary, in bytes; above it, it counts as text.
const LARGEST_LOOK: u64 = 64 << 20;

/// Writes one commit's diff.
pub(super) struct Patch<'a> {
    pub(super) objects: &'a Objects,
    pub(super) limits: &'a DiffLimits,
    pub(super) commit: ObjectId,
    pub(super) sink: &'a mut dyn Write,
    /// Bytes written.
    pub(super) written: u64,
    /// Files whose text a limit kept out.
    pub(super) left_out: u32,
    /// The limit on the whole is reached: nothing more is read or written.
    pub(super) ended: bool,
}

/// What a pair of versions came to.
#[derive(Default)]
struct Outcome {
    added: u32,
    deleted: u32,
    binary: bool,
}

enum Content {
    Bytes(Vec<u8>),
    /// Over the limit.
    Large {
        /// In bytes.
        size: u64,
        binary: bool,
    },
}

impl Patch<'_> {
    /// Writes one file's diff and says what happened to the file.
    pub(super) fn file(&mut self, delta: &Delta) -> Result<FileChange, GitError> {
        let (old, new) = (delta.old, delta.new);
        let typed = matches!((old, new), (Some(old), Some(new)) if !old.same_type(new));
        let outcome = if typed {
            // As git shows it: one thing goes, another comes.
            let gone = self.pair(delta, old, None)?;
            let came = self.pair(delta, None, new)?;
            Outcome { added: came.added, deleted: gone.deleted, binary: gone.binary || came.binary }
        } else {
            self.pair(delta, old, new)?
        };
        let status = match (old, new) {
            (None, _) => FileStatus::Added,
            (_, None) => FileStatus::Deleted,
            _ if typed => FileStatus::TypeChanged,
            _ if delta.origin.is_some() => FileStatus::Renamed,
            _ => FileStatus::Modified,
        };
        Ok(FileChange {
            path: delta.path.to_str_lossy().into_owned(),
            previous_path: delta.origin.as_ref().map(|origin| origin.path.to_str_lossy().into_owned()),
            status,
            lines_added: outcome.added,
            lines_deleted: outcome.deleted,
            binary: outcome.binary,
        })
    }

    fn pair(
        &mut self,
        delta: &Delta,
        old: Option<Version>,
        new: Option<Version>,
    ) -> Result<Outcome, GitError> {
        let header = header(delta, old, new);
        if self.ended || self.written + header.len() as u64 + RESERVE > self.limits.diff_bytes {
            return self.end();
        }
        if old.map(|version| version.id) == new.map(|version| version.id) {
            self.write(&header)?;
            let binary = match self.content(new)? {
                Content::Bytes(bytes) => is_binary(&bytes),
                Content::Large { .. } => true,
            };
            return Ok(Outcome { binary, ..Outcome::default() });
        }
        match (self.content(old)?, self.content(new)?) {
            (Content::Bytes(before), Content::Bytes(after)) if is_binary(&before) || is_binary(&after) => {
                self.binary(delta, old, new, &header, "")?;
                Ok(Outcome { binary: true, ..Outcome::default() })
            }
            (Content::Bytes(before), Content::Bytes(after)) => {
                self.text(delta, (old, &before), (new, &after), &header)
            }
            (Content::Large { binary: true, .. }, _) | (_, Content::Large { binary: true, .. }) => {
                self.binary(delta, old, new, &header, "")?;
                Ok(Outcome { binary: true, ..Outcome::default() })
            }
            (before, after) => {
                let size = [before, after].iter().map(Content::size).max().unwrap_or(0);
                let note =
                    format!("# text left out: {size} bytes, over the limit of {}\n", self.limits.blob_bytes);
                self.left_out += 1;
                self.binary(delta, old, new, &header, &note)?;
                Ok(Outcome { binary: true, ..Outcome::default() })
            }
        }
    }

    fn text(
        &mut self,
        delta: &Delta,
        (old, before): (Option<Version>, &[u8]),
        (new, after): (Option<Version>, &[u8]),
        header: &[u8],
    ) -> Result<Outcome, GitError> {
        let diff = LineDiff::new(before, after);
        let outcome = Outcome { added: diff.added(), deleted: diff.deleted(), binary: false };
        let mut head = header.to_vec();
        if !before.is_empty() || !after.is_empty() {
            for (sign, prefix, path, version) in
                [("---", "a/", from(delta), old), ("+++", "b/", delta.path.as_bstr(), new)]
            {
                head.extend_from_slice(sign.as_bytes());
                head.push(b' ');
                append_side(&mut head, prefix, path, version);
                // Patch programs would take the name to end at a blank.
                if version.is_some() && path.contains(&b' ') {
                    head.push(b'\t');
                }
                head.push(b'\n');
            }
        }
        let room = self.limits.diff_bytes.saturating_sub(self.written + head.len() as u64 + RESERVE);
        // Only text that might not fit is measured first.
        let most = 2 * (before.len() as u64 + after.len() as u64) + (1 << 20);
        if most > room && diff.size() > room {
            self.left_out += 1;
            let note =
                format!("# text left out: the diff is over its limit of {} bytes\n", self.limits.diff_bytes);
            self.binary(delta, old, new, header, &note)?;
            return Ok(outcome);
        }
        self.write(&head)?;
        let mut counted = Counted { sink: &mut *self.sink, written: 0 };
        let result = diff.write(&mut counted);
        self.written += counted.written;
        result.map_err(|source| GitError::Sink { commit: self.commit, source })?;
        Ok(outcome)
    }

    fn binary(
        &mut self,
        delta: &Delta,
        old: Option<Version>,
        new: Option<Version>,
        header: &[u8],
        note: &str,
    ) -> Result<(), GitError> {
        let mut text = header.to_vec();
        text.extend_from_slice(b"Binary files ");
        append_side(&mut text, "a/", from(delta), old);
        text.extend_from_slice(b" and ");
        append_side(&mut text, "b/", delta.path.as_bstr(), new);
        text.extend_from_slice(b" differ\n");
        text.extend_from_slice(note.as_bytes());
        if self.written + text.len() as u64 + RESERVE > self.limits.diff_bytes {
            return self.end().map(|_| ());
        }
        self.write(&text)
    }

    fn end(&mut self) -> Result<Outcome, GitError> {
        self.left_out = self.left_out.saturating_add(1);
        if !self.ended {
            self.ended = true;
            let note =
                format!("# the diff ends here: it is over its limit of {} bytes\n", self.limits.diff_bytes);
            if self.written + note.len() as u64 <= self.limits.diff_bytes {
                self.write(note.as_bytes())?;
            }
        }
        Ok(Outcome::default())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        self.sink.write_all(bytes).map_err(|source| GitError::Sink { commit: self.commit, source })?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn content(&self, version: Option<Version>) -> Result<Content, GitError> {
        let Some(version) = version else { return Ok(Content::Bytes(Vec::new())) };
        if version.kind == EntryKind::Commit {
            return Ok(Content::Bytes(format!("Subproject commit {}\n", version.id).into_bytes()));
        }
        let size = self.objects.size(Kind::Blob, version.id)?;
        if size > self.limits.blob_bytes {
            // A large picture is no news; a large text that nobody compares is.
            let binary =
                size <= LARGEST_LOOK && is_binary(&self.objects.read(Kind::Blob, version.id, size)?);
            return Ok(Content::Large { size, binary });
        }
        self.objects.read(Kind::Blob, version.id, size).map(Content::Bytes)
    }
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Large { size, .. } => *size,
        }
    }
}

struct Counted<'a> {
    sink: &'a mut dyn Write,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}

fn from(delta: &Delta) -> &BStr {
    delta.origin.as_ref().map_or(delta.path.as_bstr(), |origin| origin.path.as_bstr())
}

fn append_side(out: &mut Vec<u8>, prefix: &str, path: &BStr, version: Option<Version>) {
    match version {
        Some(_) => quote::append(out, prefix, path),
        None => out.extend_from_slice(b"/dev/null"),
    }
}

/// The lines before the hunks, with full hashes: short ones would depend on what else the repository holds.
fn header(delta: &Delta, old: Option<Version>, new: Option<Version>) -> Vec<u8> {
    let mut out = b"diff --git ".to_vec();
    quote::append(&mut out, "a/", from(delta));
    out.push(b' ');
    quote::append(&mut out, "b/", delta.path.as_bstr());
    out.push(b'\n');
    let mode = |version: Version| version.kind.as_octal_str();
    let mut line = |text: String| out.extend_from_slice(text.as_bytes());
    match (old, new) {
        (None, Some(new)) => line(format!("new file mode {}\n", mode(new))),
        (Some(old), None) => line(format!("deleted file mode {}\n", mode(old))),
        (Some(old), Some(new)) if old.kind != new.kind => {
            line(format!("old mode {}\nnew mode {}\n", mode(old), mode(new)));
        }
        _ => {}
    }
    if let Some(origin) = &delta.origin {
        line(format!("similarity index {}%\n", origin.similarity));
        for (word, path) in [("rename from ", &origin.path), ("rename to ", &delta.path)] {
            out.extend_from_slice(word.as_bytes());
            quote::append(&mut out, "", path.as_bstr());
            out.push(b'\n');
        }
    }
    let null = || ObjectId::null(gix::hash::Kind::Sha1);
    let id = |version: Option<Version>| version.map_or_else(null, |version| version.id);
    if id(old) != id(new) {
        out.extend_from_slice(format!("index {}..{}", id(old), id(new)).as_bytes());
        if let (Some(old), Some(new)) = (old, new)
            && old.kind == new.kind
        {
            out.extend_from_slice(format!(" {}", mode(new)).as_bytes());
        }
        out.push(b'\n');
    }
    out
}

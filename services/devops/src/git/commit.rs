//! A commit's own data.

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::CommitRef;

use super::change::{CommitInfo, Person};
use super::limits::TEXT_CHARS;

/// The years 1 and 9999, which is what protobuf's Timestamp can say.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;

pub(super) fn info(id: ObjectId, commit: &CommitRef<'_>) -> CommitInfo {
    let latin1 = commit.encoding.is_some_and(is_latin1);
    let signature = |raw: gix::Result<gix::actor::SignatureRef<'_>>| {
        raw.map_or_else(
            |_| (Person { name: String::new(), email: String::new() }, 0),
            |who| {
                let seconds = who.seconds();
                let person =
                    Person { name: text(who.name.trim(), latin1), email: text(who.email.trim(), latin1) };
                (person, seconds.clamp(EARLIEST, LATEST))
            },
        )
    };
    let (author, authored_seconds) = signature(commit.author());
    let (_, committed_seconds) = signature(commit.committer());
    let first = commit.message.lines().map(ByteSlice::trim).find(|line| !line.is_empty());
    CommitInfo {
        id,
        parents: commit.parents().collect(),
        author,
        authored_seconds,
        committed_seconds,
        subject: text(first.unwrap_or_default(), latin1),
    }
}

fn is_latin1(encoding: &gix::bstr::BStr) -> bool {
    [&b"iso-8859-1"[..], b"iso8859-1", b"latin1", b"latin-1"]
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name))
}

/// Text for people and protobuf: valid UTF-8, no control characters, bounded.
fn text(bytes: &[u8], latin1: bool) -> String {
    let kept = &bytes[..bytes.len().min(4 * TEXT_CHARS)];
    let decoded = if latin1 { kept.iter().copied().map(char::from).collect() } else { kept.to_str_lossy() };
    decoded.chars().filter(|c| !c.is_control()).take(TEXT_CHARS).collect()
}

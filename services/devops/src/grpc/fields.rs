//! Checks of single fields. What is refused is repeated in no error, since it may be anything.

use std::fmt;

use septet_proto_devops::v1::register_repository_request::Since as Asking;

use crate::{
    error::Error,
    git::{ObjectId, Since},
    register::Beginning,
};

/// Characters of a `request_id` and of ids.
const ID: usize = 64;
/// Characters of a commit's hash that a caller must give, and that there are.
const PREFIX: usize = 7;
pub(super) const HASH: usize = 40;
/// Contents that one call may ask for.
const BLOBS: usize = 1_000;
/// Seconds since 1970 of the years 1 to 9999, which are those that protobuf's `Timestamp` may say.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Which change is asked for.
pub(super) enum Asked {
    Id(String),
    Commit { repository_id: String, prefix: String },
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Commit { repository_id, prefix } => {
                write!(f, "of commit {prefix} in repository {repository_id}")
            }
        }
    }
}

fn refuse<T>(field: &'static str, problem: &str) -> Result<T, Error> {
    Err(Error::Field { field, problem: problem.to_owned() })
}

/// Any text of bounded length, or none.
pub(super) fn request_id(value: &str) -> Result<(), Error> {
    if value.chars().count() > ID {
        return refuse("request_id", "must have at most 64 characters");
    }
    Ok(())
}

/// An id of ours.
pub(super) fn id<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    match value {
        "" => refuse(field, "is missing"),
        value => optional_id(field, value),
    }
}

/// An id of ours, or none.
pub(super) fn optional_id<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    if value.len() > ID || !value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return refuse(field, "is not an id: ids have hexadecimal digits and hyphens");
    }
    Ok(value)
}

fn prefix(field: &'static str, value: &str) -> Result<String, Error> {
    if !(PREFIX..=HASH).contains(&value.len()) || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return refuse(field, "must be a commit's hash, or its first 7 or more hexadecimal digits");
    }
    Ok(value.to_ascii_lowercase())
}

/// One of the two ways to name a change.
pub(super) fn asked_change(change_id: &str, repository_id: &str, commit: &str) -> Result<Asked, Error> {
    let by_commit = !repository_id.is_empty() || !commit.is_empty();
    match (change_id, by_commit) {
        ("", false) => refuse("change_id", "is missing; `repository_id` and `commit` will do instead"),
        ("", true) => Ok(Asked::Commit {
            repository_id: id("repository_id", repository_id)?.to_owned(),
            prefix: prefix("commit", commit)?,
        }),
        (change, false) => Ok(Asked::Id(id("change_id", change)?.to_owned())),
        (_, true) => refuse("change_id", "excludes `repository_id` and `commit`: give one or the other"),
    }
}

/// Hashes of contents.
pub(super) fn blobs(hashes: &[String]) -> Result<Vec<ObjectId>, Error> {
    if hashes.len() > BLOBS {
        return refuse("blobs", "must have at most 1,000 hashes");
    }
    let parsed: Result<Vec<ObjectId>, _> = hashes.iter().map(|hash| hash.parse()).collect();
    parsed.or_else(|_| refuse("blobs", "must be full hashes of 40 hexadecimal digits"))
}

/// Where history is to begin; `None` where `all` is false, which says nothing.
pub(super) fn beginning(asking: Asking) -> Result<Option<Beginning>, Error> {
    Ok(match asking {
        Asking::Last(count) => Some(Beginning::Since(Since::Last(count as usize))),
        Asking::Commit(commit) => Some(Beginning::Commit(prefix("commit", &commit)?)),
        Asking::Time(time) if !TIMES.contains(&time.seconds) || !(0..1_000_000_000).contains(&time.nanos) => {
            return refuse(
                "time",
                "must be within the years 1 to 9999, with less than a second of nanoseconds",
            );
        }
        // Commits have whole seconds: one within the second that has begun is before the time.
        Asking::Time(time) => Some(Beginning::Since(Since::Time(time.seconds + i64::from(time.nanos > 0)))),
        Asking::All(true) => Some(Beginning::Since(Since::All)),
        Asking::All(false) => None,
    })
}

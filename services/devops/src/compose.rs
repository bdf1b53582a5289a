//! From git's words to the contract's.

use prost::Message;
use septet_chassis::contract::Timestamp;
use septet_proto_devops::v1::{
    self, Change, ChangePushed, Diff, FileChange, FileStatus, Person, Release, RepositorySettings,
};
use uuid::Uuid;

use crate::{
    git::{self, Described},
    ids,
    manifests::Deployed,
    store,
};

/// Bytes of files that a change lists at most. With the inline diff it keeps an event well below what brokers take.
const FILES_BYTES: usize = 512 * 1024;
/// Parents that a change names at most; git itself stops merging at 66 or so.
const PARENTS: usize = 1_000;
/// Characters of a ref's name that are kept.
const REF_CHARS: usize = 1_024;

/// The event that a commit becomes.
pub(crate) fn change_pushed(
    repository: &store::Repository,
    repository_id: Uuid,
    branch: &str,
    described: Described,
    diff: Diff,
    deployed: Deployed,
) -> ChangePushed {
    let id = ids::change_id(repository_id, described.commit.id).to_string();
    let commit = described.commit;
    let change = Change {
        id: id.clone(),
        repository_id: repository.id.clone(),
        repository_name: repository.name.clone(),
        r#ref: branch.chars().take(REF_CHARS).collect(),
        commit: commit.id.to_string(),
        parents: commit.parents.iter().take(PARENTS).map(ToString::to_string).collect(),
        author: Some(Person { name: commit.author.name, email: commit.author.email }),
        authored_time: Some(seconds(commit.authored_seconds)),
        committed_time: Some(seconds(commit.committed_seconds)),
        subject: commit.subject,
        files: files(described.files),
        files_total: described.files_total,
    };
    ChangePushed {
        change_id: id,
        change: Some(change),
        diff: Some(diff),
        manifests: deployed.manifests,
        parent_manifests: deployed.parent_manifests,
        manifests_unchanged: deployed.unchanged,
        manifests_left_out: deployed.left_out,
        settings: Some(deployed.settings),
    }
}

/// The row that an event's change becomes, and its files as they are kept.
pub(crate) fn to_row(seq: i64, change: &Change) -> (store::Change, Vec<u8>) {
    let author = change.author.clone().unwrap_or_default();
    let files = Change { files: change.files.clone(), ..Change::default() };
    let row = store::Change {
        seq,
        id: change.id.clone(),
        repository_id: change.repository_id.clone(),
        repository_name: change.repository_name.clone(),
        commit_id: change.commit.clone(),
        ref_name: change.r#ref.clone(),
        parents: change.parents.join(" "),
        author_name: author.name,
        author_email: author.email,
        authored_at: micros(change.authored_time),
        committed_at: micros(change.committed_time),
        subject: change.subject.clone(),
        files_total: change.files_total.into(),
    };
    (row, files.encode_to_vec())
}

/// The change that a row is, without its files.
pub(crate) fn from_row(row: store::Change) -> Change {
    Change {
        id: row.id,
        repository_id: row.repository_id,
        repository_name: row.repository_name,
        r#ref: row.ref_name,
        commit: row.commit_id,
        parents: row.parents.split_whitespace().map(str::to_owned).collect(),
        author: Some(Person { name: row.author_name, email: row.author_email }),
        authored_time: Some(Timestamp::from_micros(row.authored_at).into()),
        committed_time: Some(Timestamp::from_micros(row.committed_at).into()),
        subject: row.subject,
        files: Vec::new(),
        files_total: u32::try_from(row.files_total).unwrap_or(u32::MAX),
    }
}

/// A repository for whoever asks.
pub(crate) fn repository(row: store::Repository) -> v1::Repository {
    v1::Repository {
        id: row.id,
        name: row.name,
        location: row.location,
        registered_time: Some(Timestamp::from_micros(row.registered_at).into()),
        changes: u64::try_from(row.changes).unwrap_or(0),
        // What failed is not under way, though it will be tried again.
        importing: row.importing != 0 && row.last_error.is_empty(),
        last_error: row.last_error,
    }
}

/// A release for whoever asks.
pub(crate) fn release(row: store::Release) -> Release {
    // Written by this service, and contracts only grow.
    let decision = Release::decode(row.decision.as_slice()).unwrap_or_default();
    Release {
        change_id: row.change_id,
        repository_id: row.repository_id,
        repository_name: row.repository_name,
        commit: row.commit_id,
        state: i32::try_from(row.state).unwrap_or_default(),
        revision: u32::try_from(row.revision).unwrap_or(u32::MAX),
        decided_time: (row.revision > 0).then(|| Timestamp::from_micros(row.decided_at).into()),
        settings: RepositorySettings::decode(row.settings.as_slice()).ok(),
        ..decision
    }
}

fn seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

fn micros(time: Option<prost_types::Timestamp>) -> i64 {
    time.map_or(0, |time| Timestamp::from(time).micros())
}

fn files(files: Vec<git::FileChange>) -> Vec<FileChange> {
    let mut bytes = 0;
    files
        .into_iter()
        .map(|file| FileChange {
            path: file.path,
            previous_path: file.previous_path.unwrap_or_default(),
            status: match file.status {
                git::FileStatus::Added => FileStatus::Added,
                git::FileStatus::Modified => FileStatus::Modified,
                git::FileStatus::Deleted => FileStatus::Deleted,
                git::FileStatus::Renamed => FileStatus::Renamed,
                git::FileStatus::TypeChanged => FileStatus::TypeChanged,
            }
            .into(),
            lines_added: file.lines_added,
            lines_deleted: file.lines_deleted,
            binary: file.binary,
        })
        .take_while(|file| {
            // Tag and length of the field, besides the file itself.
            bytes += file.encoded_len() + 8;
            bytes <= FILES_BYTES
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        git::{CommitInfo, FileStatus as Status},
        manifests::BYTES,
    };

    fn described(files: usize, path_bytes: usize, parents: usize) -> Described {
        let id: git::ObjectId = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap();
        let person = git::Person { name: "\u{1f642}".repeat(500), email: "\u{1f642}".repeat(500) };
        let file = |number: usize| git::FileChange {
            path: format!("{}{number}", "p".repeat(path_bytes)),
            previous_path: Some("p".repeat(path_bytes)),
            status: Status::Renamed,
            lines_added: u32::MAX,
            lines_deleted: u32::MAX,
            binary: true,
        };
        Described {
            commit: CommitInfo {
                id,
                parents: vec![id; parents],
                author: person,
                authored_seconds: i64::from(i32::MIN),
                committed_seconds: 253_402_300_799,
                subject: "\u{1f642}".repeat(500),
            },
            base: None,
            files: (0..files).map(file).collect(),
            files_total: 300_000,
            diff_bytes: 0,
            left_out: 0,
        }
    }

    fn composed(described: Described) -> ChangePushed {
        let repository = store::Repository {
            id: Uuid::nil().to_string(),
            name: "n".repeat(4_096),
            location: String::new(),
            since: String::new(),
            registered_at: 0,
            changes: 0,
            importing: 0,
            last_error: String::new(),
            refs_digest: String::new(),
            queued_until: 0,
        };
        let diff = Diff { inline: vec![0; 64 << 10].into(), ..Diff::default() };
        let manifest = v1::RepositoryFile { content: vec![0; BYTES].into(), ..Default::default() };
        let deployed = Deployed { manifests: vec![manifest], ..Deployed::default() };
        change_pushed(&repository, Uuid::nil(), &"\u{1f642}".repeat(5_000), described, diff, deployed)
    }

    #[test]
    fn the_largest_event_is_below_what_may_be_published() {
        for (files, path_bytes) in [(10_000, 400), (10_000, 10), (3, 4 << 20), (200, 4_096)] {
            let event = composed(described(files, path_bytes, 200_000));
            assert!(event.encoded_len() < 950 << 10, "{files} {path_bytes}: {}", event.encoded_len());
            assert_eq!(event.change.unwrap().files_total, 300_000);
        }
    }

    #[test]
    fn all_files_are_listed_while_they_fit() {
        let change = composed(described(1_000, 100, 2)).change.unwrap();
        assert_eq!(change.files.len(), 1_000);
    }

    #[test]
    fn a_row_reads_back_as_the_change() {
        let change = composed(described(3, 30, 2)).change.unwrap();
        let (row, files) = to_row(1, &change);
        let kept = Change::decode(files.as_slice()).unwrap();
        assert_eq!(Change { files: kept.files, ..from_row(row) }, change);
    }
}

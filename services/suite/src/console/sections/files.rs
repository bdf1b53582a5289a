//! What the change did to files.

use askama::Template;
use septet_proto_devops::v1::{FileChange, FileStatus};

use super::{super::row::line, About, ITEMS};
use crate::text::count;

/// Files that do not hide the rest of the page.
const FEW: usize = 12;

/// The section.
#[derive(Template)]
#[template(path = "sections/files.html")]
pub struct Files {
    total: String,
    /// Whether they are shown without being asked for.
    few: bool,
    files: Vec<File>,
    /// Files that are not shown.
    more: u32,
}

struct File {
    path: String,
    status: &'static str,
    added: u32,
    deleted: u32,
    binary: bool,
}

/// Of a change.
pub fn of(about: &About) -> Files {
    let total = about.change.files_total;
    let files: Vec<File> = about.change.files.iter().take(ITEMS as usize).map(file).collect();
    Files {
        total: count(total.into(), "file"),
        few: files.len() <= FEW,
        more: total.saturating_sub(files.len() as u32),
        files,
    }
}

fn file(file: &FileChange) -> File {
    let path = match file.previous_path.as_str() {
        "" => line(&file.path),
        before => format!("{} → {}", line(before), line(&file.path)),
    };
    let status = match file.status() {
        FileStatus::Added => "added",
        FileStatus::Deleted => "deleted",
        FileStatus::Renamed => "renamed",
        FileStatus::Copied => "copied",
        FileStatus::TypeChanged => "other type",
        FileStatus::Modified | FileStatus::Unspecified => "changed",
    };
    File { path, status, added: file.lines_added, deleted: file.lines_deleted, binary: file.binary }
}

//! A directory of this machine as a tree.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Analysis, Contents, Entry, LeftOut, Limits, Rules};

/// Directories nest at most so deep.
const DEPTH: usize = 64;

/// A directory that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct ReadError {
    /// Which one.
    pub path: PathBuf,
    source: io::Error,
}

/// What a directory is made of. Links are not followed, and folders that cannot be read below it are named in the answer.
///
/// # Errors
/// The directory itself cannot be read.
pub fn analyze_directory(root: &Path, rules: &Rules, limits: &Limits) -> Result<Analysis, ReadError> {
    let failed = |source| ReadError { path: root.to_owned(), source };
    let mut walk = Walk { rules, limits, files: Vec::new(), left_out: Vec::new() };
    walk.folder(root, "", 0).map_err(failed)?;
    let mut wanted = rules.wanted(walk.files, limits);
    wanted.left_out.extend(walk.left_out);
    let mut contents = Contents::default();
    for path in &wanted.paths {
        match fs::read(root.join(path)) {
            Ok(bytes) if bytes.len() as u64 <= limits.file_bytes => contents.insert(path.clone(), &bytes),
            Ok(_) => wanted.left_out.push(LeftOut { path: path.clone(), reason: "it grew".to_owned() }),
            Err(error) => {
                wanted.left_out.push(LeftOut { path: path.clone(), reason: error.to_string() });
            }
        }
    }
    Ok(rules.analyze(wanted, &contents, limits))
}

struct Walk<'a> {
    rules: &'a Rules,
    limits: &'a Limits,
    files: Vec<Entry>,
    left_out: Vec<LeftOut>,
}

impl Walk<'_> {
    fn folder(&mut self, at: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        let mut entries = fs::read_dir(at)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let inside = format!("{path}/");
                if name == ".git" || self.rules.ignores(&inside) {
                    continue;
                }
                if depth == DEPTH {
                    self.leave_out(path, format!("directories are nested deeper than {DEPTH}"));
                } else if let Err(error) = self.folder(&entry.path(), &inside, depth + 1) {
                    self.leave_out(path, error.to_string());
                }
            } else if kind.is_file() {
                // One more than the limit, so that it is known to be passed.
                if self.files.len() <= self.limits.files {
                    let size = entry.metadata()?.len();
                    self.files.push(Entry { path, size });
                }
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, path: String, reason: String) {
        self.left_out.push(LeftOut { path, reason });
    }
}

//! Reads rule files from directories.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    RuleSet,
    parse::{MAX_FILE, Placeholders},
};

/// Files of a directory with its subdirectories.
const MAX_FILES: usize = 50_000;
/// Directories inside each other.
const MAX_DEPTH: usize = 16;

/// Adds the rules of every `.yml` and `.yaml` file below a directory, by name; hidden files are left out. A file alone may be
/// given as well. What cannot be read is rejected by itself.
///
/// # Errors
/// The directory itself cannot be read, or has too many files.
pub fn add_directory(set: &mut RuleSet, directory: &Path, placeholders: &Placeholders) -> io::Result<()> {
    let mut files = Vec::new();
    if fs::metadata(directory)?.is_dir() {
        walk(directory, 0, &mut files)?;
        files.sort();
    } else {
        files.push(directory.to_owned());
    }
    for path in files {
        let name = path.strip_prefix(directory).ok().filter(|name| !name.as_os_str().is_empty());
        let name = name.unwrap_or(&path).display().to_string();
        match read(&path) {
            Ok(text) => set.add(&name, &text, placeholders),
            Err(reason) => set.reject(&name, reason),
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    let words = |error: io::Error| format!("cannot be read: {error}");
    let size = fs::metadata(path).map_err(words)?.len();
    if size > MAX_FILE as u64 {
        return Err(format!("the file has {size} bytes, more than the {MAX_FILE} allowed"));
    }
    let bytes = fs::read(path).map_err(words)?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())
}

fn walk(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Follows links: mounted configuration is made of them.
        let Ok(of) = fs::metadata(&path) else { continue };
        let is_rule = path.extension().is_some_and(|ext| ext == "yml" || ext == "yaml");
        if of.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if is_rule {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(io::Error::other(format!("more than {MAX_FILES} rule files")));
        }
    }
    Ok(())
}

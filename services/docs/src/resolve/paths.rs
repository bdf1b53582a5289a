/// The folder of a path; empty at the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path relative to a folder, without `.` and `..`; none where it leaves the tree.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Folders that hold what tests and examples need, not what users do.
pub(super) fn is_for_tests(path: &str) -> bool {
    const FOLDERS: [&str; 14] = [
        "test",
        "tests",
        "__tests__",
        "testing",
        "spec",
        "specs",
        "example",
        "examples",
        "bench",
        "benches",
        "benchmarks",
        "fixtures",
        "docs",
        "e2e",
    ];
    folder(path).split('/').any(|folder| FOLDERS.contains(&folder))
}

//! Finds dependencies that no line of a package names. A search over the text, not a compiler: it cannot be fooled
//! into missing a use, only into seeing one where there is none.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::manifest::Kind;
use super::{Package, Violation};

/// Used without being named: (folder prefix, crates, why).
const ALLOWED: [(&str, &[&str], &str); 2] = [
    (
        "proto/septet/",
        &[
            "prost",
            "prost-types",
            "prost-reflect",
            "septet-contract",
            "septet-proto-common",
            "tonic",
            "tonic-prost",
        ],
        "generated code names them",
    ),
    (
        "services/devops",
        &["reqwest"],
        "gix speaks HTTP through it, and without our features it would have no TLS",
    ),
];

pub(super) fn check(root: &Path, packages: &[Package]) -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for package in packages {
        let sources = sources(&package.path(root))?;
        for kind in [Kind::Normal, Kind::Dev, Kind::Build] {
            let of_kind = package.dependencies.iter().filter(|dependency| dependency.kind == kind);
            let unused: Vec<String> = of_kind
                .map(|dependency| dependency.name.as_str())
                .filter(|name| !allowed(&package.folder, name))
                .filter(|name| !sources.iter().any(|(path, text)| searches(kind, path) && names(text, name)))
                .map(|name| format!("`{name}`"))
                .collect();
            if !unused.is_empty() {
                violations.push(Violation {
                    file: package.file(),
                    problem: format!("not used, though in [{}]: {}", kind.table(), unused.join(", ")),
                    fix: "remove them, or add them with the reason to xtask/src/deps/unused.rs".to_owned(),
                });
            }
        }
    }
    Ok(violations)
}

fn allowed(folder: &str, name: &str) -> bool {
    ALLOWED.iter().any(|(prefix, crates, _)| folder.starts_with(prefix) && crates.contains(&name))
}

/// Whether a dependency of this kind may be used by the file, a path below its package.
fn searches(kind: Kind, path: &Path) -> bool {
    let is_build = path == Path::new("build.rs");
    let is_test = ["tests", "benches", "examples"].iter().any(|folder| path.starts_with(folder));
    match kind {
        Kind::Build => is_build,
        Kind::Normal => !is_build && !is_test,
        Kind::Dev => !is_build,
    }
}

/// All Rust files below `folder`, by their path in it, without those of packages further below.
pub(super) fn sources(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    fn walk(base: &Path, folder: &Path, found: &mut Vec<(PathBuf, String)>) -> Result<()> {
        let cannot = || format!("cannot read {}", folder.display());
        for entry in std::fs::read_dir(folder).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let path = entry.path();
            if entry.file_type().with_context(cannot)?.is_dir() {
                if !path.join("Cargo.toml").exists() && !path.ends_with("target") {
                    walk(base, &path, found)?;
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                found.push((path.strip_prefix(base).unwrap_or(&path).to_owned(), text));
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found)?;
    found.sort();
    Ok(found)
}

/// Whether code, not a comment, names the crate: at the start of a path, or in a `use`.
fn names(text: &str, name: &str) -> bool {
    let name = name.replace('-', "_");
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(&name).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + name.len()..]);
            if before.ends_with(is_word) || after.starts_with(is_word) {
                return false;
            }
            // `a::bytes::b` is another crate's module; `::bytes::b` is the crate.
            let within_path = before.strip_suffix("::").is_some_and(|path| path.ends_with(is_word));
            let in_use =
                before.trim_end().ends_with("use") && (after.starts_with(';') || after.starts_with(" as "));
            !within_path && (after.starts_with("::") || in_use)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_named_by_a_path_and_not_by_a_word() {
        for used in [
            "use serde_json::Value;",
            "    ::serde_json::to_vec(&x)",
            "let x: serde_json::Value = y;",
            "use serde_json;",
            "use serde_json as json;",
            "#[derive(serde_json::Serialize)]",
        ] {
            assert!(names(used, "serde-json"), "{used}");
        }
        for unused in [
            "// serde_json::Value",
            "let serde_json = 1;",
            "use other::serde_json::Value;",
            "use my_serde_json::Value;",
            "use serde_json_borrow::Value;",
            "serde_json.len()",
        ] {
            assert!(!names(unused, "serde-json"), "{unused}");
        }
    }

    #[test]
    fn each_kind_is_searched_where_it_can_be_used() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("libs/x");
        for (path, text) in [
            ("src/lib.rs", "use serde::Serialize;"),
            ("tests/all/main.rs", "use tempfile::tempdir; use bytes::Bytes;"),
            ("build.rs", "fn main() { prost_build::x() }"),
            ("nested/Cargo.toml", ""),
            ("nested/lib.rs", "use uuid::Uuid;"),
        ] {
            std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            std::fs::write(folder.join(path), text).unwrap();
        }
        let manifest = "package.name = \"x\"\n\
            [dependencies]\nserde.workspace = true\nbytes.workspace = true\nuuid.workspace = true\n\
            [dev-dependencies]\ntempfile.workspace = true\n[build-dependencies]\nprost-build.workspace = true";
        let package = Package::parse("libs/x", manifest).unwrap();
        let problems: Vec<_> =
            check(root.path(), &[package]).unwrap().into_iter().map(|v| v.problem).collect();
        assert_eq!(problems, ["not used, though in [dependencies]: `bytes`, `uuid`"]);
    }

    #[test]
    fn generated_code_may_name_what_the_source_does_not() {
        assert!(allowed("proto/septet/review", "prost"));
        assert!(!allowed("proto/septet/review", "tokio"));
        assert!(!allowed("services/review", "prost"));
    }
}

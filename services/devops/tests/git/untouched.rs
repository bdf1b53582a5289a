//! The watched repository is only read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use septet_devops::git::{Location, Since};

use crate::fixture::{Repo, describe};

/// Every file with its content and time of change.
fn listing(path: &Path, found: &mut BTreeMap<String, (Vec<u8>, SystemTime)>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        found.insert(path.display().to_string(), (content, metadata.modified().unwrap()));
        if metadata.is_dir() {
            listing(&path, found);
        }
    }
}

fn snapshot(repo: &Repo) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    listing(&repo.path, &mut found);
    found
}

#[test]
fn nothing_is_written_and_nothing_is_run() {
    let mut repo = crate::diff::everything();
    repo.write("docs.md", "not committed\n");
    let witness = repo.dir.path().join("witness");
    let command = format!("touch {}", witness.display());
    repo.write(".gitattributes", "* filter=evil diff=evil\n");
    repo.commit("Attributes that name commands");
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.smudge",
        "diff.evil.command",
        "diff.evil.textconv",
        "credential.helper",
    ] {
        repo.git(&["config", key, &command]);
    }
    let before = snapshot(&repo);
    let Location::Local(path) = Location::parse(&repo.path.join("src").display().to_string()).unwrap() else {
        panic!("a path is local")
    };
    let checkout = septet_devops::git::Checkout::open(&path).unwrap();
    for _ in 0..3 {
        let refs = checkout.refs().unwrap();
        for listed in checkout.history(&refs, Since::All, &[]).unwrap().commits {
            describe(&checkout, listed.id);
        }
    }
    drop(checkout);
    let after = snapshot(&repo);
    assert!(before == after, "the watched repository changed");
    assert!(!witness.exists(), "a command from the watched repository's configuration was run");
}

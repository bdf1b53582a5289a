//! Files and diffs of commits, byte for byte against `git diff-tree`.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use septet_devops::git::{Checkout, FileStatus, ObjectId};

use crate::fixture::{Repo, describe};

/// What `git diff-tree` compares: the first parent, or nothing.
fn git_diff(repo: &Repo, id: ObjectId, options: &[&str]) -> Vec<u8> {
    let id = id.to_string();
    let parents = repo.text(&["rev-list", "--parents", "-n1", &id]);
    let mut args = vec!["diff-tree", "-r", "-M"];
    args.extend_from_slice(options);
    match parents.split_whitespace().nth(1) {
        Some(parent) => args.extend([parent, id.as_str()]),
        None => args.extend(["--root", "--no-commit-id", id.as_str()]),
    }
    repo.git(&args)
}

/// Our files in the form of `git diff-tree --raw --numstat -z`, which needs no quoting.
fn files_match(repo: &Repo, checkout: &Checkout, id: ObjectId) {
    let (described, _) = describe(checkout, id);
    let mut ours = String::new();
    for file in &described.files {
        let counts = match file.binary {
            true => "-\t-".to_owned(),
            false => format!("{}\t{}", file.lines_added, file.lines_deleted),
        };
        match &file.previous_path {
            Some(previous) => write!(ours, "{counts}\t\0{previous}\0{}\0", file.path).unwrap(),
            None => write!(ours, "{counts}\t{}\0", file.path).unwrap(),
        }
    }
    let theirs = String::from_utf8_lossy(&git_diff(repo, id, &["--numstat", "-z"])).into_owned();
    assert_eq!(ours, theirs, "numstat of {id}");
    let letters: String = described
        .files
        .iter()
        .map(|file| match file.status {
            FileStatus::Added => 'A',
            FileStatus::Modified => 'M',
            FileStatus::Deleted => 'D',
            FileStatus::Renamed => 'R',
            FileStatus::TypeChanged => 'T',
        })
        .collect();
    let raw = String::from_utf8_lossy(&git_diff(repo, id, &["--raw"])).into_owned();
    let expected: String =
        raw.lines().map(|line| line.split_whitespace().nth(4).unwrap().chars().next().unwrap()).collect();
    assert_eq!(letters, expected, "statuses of {id}");
}

pub fn matches_git(repo: &Repo, checkout: &Checkout, id: ObjectId) {
    let (described, ours) = describe(checkout, id);
    let theirs = git_diff(repo, id, &["-p", "--full-index"]);
    assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "diff of {id}");
    assert_eq!(ours, theirs, "bytes of the diff of {id}");
    assert_eq!(described.diff_bytes, ours.len() as u64);
    assert_eq!(described.left_out, 0);
    assert_eq!(described.files_total as usize, described.files.len());
    files_match(repo, checkout, id);
}

fn lines(from: u32, to: u32) -> String {
    (from..to).fold(String::new(), |text, n| text + &format!("line number {n} of many\n"))
}

/// A repository with every kind of change that git's format has a form for.
pub fn everything() -> Repo {
    let mut repo = Repo::new();
    let code = "use std::fmt;\n\nfn first() {\n    one();\n    two();\n}\n\nfn second() {\n    three();\n\n    four();\n}\n";
    repo.write("src/lib.rs", code);
    repo.write("README", "hello\n");
    repo.write("long.txt", lines(0, 200));
    repo.write("empty", "");
    repo.write("binary.bin", [0_u8, 1, 2, 3, 0, 255]);
    repo.write("crlf.txt", "one\r\ntwo\r\nthree\r\n");
    repo.write("no-newline", "no newline at the end");
    repo.write("tool.sh", "#!/bin/sh\necho hi\n");
    symlink("README", repo.path.join("link")).unwrap();
    repo.commit("A root commit with a bit of everything");

    repo.write(
        "src/lib.rs",
        code.replace("    four();\n", "    four();\n    five();\n").replace("one", "uno"),
    );
    repo.write("long.txt", lines(0, 50) + "changed\n" + &lines(51, 120) + &lines(125, 200) + "appended\n");
    repo.write("crlf.txt", "one\r\nzwei\r\nthree\n");
    repo.write("no-newline", "now with one\n");
    repo.write("binary.bin", [9_u8, 0, 9]);
    repo.write("empty", "no longer\n");
    repo.commit("Change contents");

    repo.write("no-newline", "gone again");
    repo.write("tail", "kept\nlast");
    repo.commit("Take a newline away");
    repo.write("tail", "kept\nlast\nmore");
    repo.commit("Add behind a line without a newline");

    std::fs::set_permissions(repo.path.join("tool.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    repo.commit("Change a mode only");
    repo.write("tool.sh", "#!/bin/sh\necho hello\n");
    std::fs::set_permissions(repo.path.join("tool.sh"), std::fs::Permissions::from_mode(0o644)).unwrap();
    repo.commit("Change a mode and the content");

    for path in [
        "with blank.txt",
        "tab\there",
        "quote\"d",
        "back\\slash",
        "new\nline",
        "größe.txt",
        "日本/語.txt",
        "bell\u{7}",
    ] {
        repo.write(path, format!("in {path:?}\nsecond\n"));
    }
    repo.commit("Add paths that need quotes");
    for path in ["with blank.txt", "tab\there", "quote\"d", "größe.txt"] {
        repo.write(path, format!("in {path:?}\nsecond\nthird\n"));
    }
    repo.git(&["mv", "日本/語.txt", "with  two blanks.txt"]);
    repo.remove("back\\slash");
    repo.commit("Change, move and delete paths that need quotes");

    repo.git(&["mv", "README", "docs.md"]);
    repo.commit("Move without a change, and leave a link dangling");
    std::fs::create_dir(repo.path.join("notes")).unwrap();
    repo.git(&["mv", "long.txt", "notes/long.txt"]);
    repo.write("notes/long.txt", lines(0, 50) + "renamed and changed\n" + &lines(51, 190));
    repo.git(&["mv", "binary.bin", "moved.bin"]);
    repo.commit("Move with a change");
    repo.remove("notes/long.txt");
    repo.write("other.txt", lines(1_000, 1_200));
    repo.commit("Replace by something else");

    repo.remove("link");
    symlink("docs.md", repo.path.join("link")).unwrap();
    repo.commit("Point a link elsewhere");
    repo.remove("link");
    repo.write("link", "a file now\n");
    repo.remove("crlf.txt");
    symlink("docs.md", repo.path.join("crlf.txt")).unwrap();
    repo.commit("Change types");
    repo.git(&["mv", "crlf.txt", "a-moved-link"]);
    repo.commit("Move a link");

    let (one, two) = ("1".repeat(40), "2".repeat(40));
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{one},vendor/lib")]);
    repo.commit_index("Add a submodule");
    repo.git(&["update-index", "--cacheinfo", &format!("160000,{two},vendor/lib")]);
    repo.commit_index("Update a submodule");
    repo.git(&["update-index", "--force-remove", "vendor/lib"]);
    repo.write("vendor/lib", "a file in its place\n");
    repo.commit("Put a file in place of a submodule");

    repo.remove("tail");
    repo.write("tail/inside", "a folder in place of a file\n");
    repo.write("tail-sibling", "between file and folder in order\n");
    repo.commit("Put a folder in place of a file");
    std::fs::remove_dir_all(repo.path.join("tail")).unwrap();
    repo.write("tail", "a file in place of a folder\n");
    repo.commit("And back");
    repo.commit("Nothing at all");

    repo.git(&["checkout", "-q", "-b", "side", "HEAD~3"]);
    repo.write("side.txt", "from the side\n");
    repo.commit("Work on the side");
    repo.git(&["checkout", "-q", "-b", "third", "HEAD~1"]);
    repo.write("third.txt", "from the third\n");
    repo.commit("Work on the third");
    repo.git(&["checkout", "-q", "main"]);
    repo.tick();
    repo.git(&["merge", "-q", "--no-ff", "-m", "Merge two at once", "side", "third"]);
    repo.git(&["checkout", "-q", "--orphan", "island"]);
    repo.git(&["rm", "-rfq", "."]);
    repo.write("island.txt", "another root\n");
    repo.commit("A second root");
    repo.git(&["checkout", "-q", "main"]);
    repo.tick();
    repo.git(&["merge", "-q", "--allow-unrelated-histories", "-m", "Merge an island", "island"]);
    repo
}

#[test]
fn every_kind_of_change_is_shown_as_git_shows_it() {
    let repo = everything();
    let checkout = repo.open();
    let commits = repo.all_commits();
    assert!(commits.len() > 22, "the repository has only {} commits", commits.len());
    for id in commits {
        matches_git(&repo, &checkout, id);
    }
}

#[test]
fn packed_objects_read_like_loose_ones() {
    let repo = everything();
    repo.git(&["repack", "-qadf", "--depth=50", "--window=50"]);
    repo.git(&["pack-refs", "--all"]);
    let checkout = repo.open();
    for id in repo.all_commits() {
        matches_git(&repo, &checkout, id);
    }
}

/// A small generator of numbers, so that a failing seed can be run again.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Text as programs have it: few different lines, indented blocks, blank lines.
fn edit(numbers: &mut Numbers, text: &str) -> String {
    let words = [
        "fn open() {",
        "}",
        "",
        "    let x = 1;",
        "    call(x);",
        "    if x {",
        "    }",
        "        deep();",
        "// note",
    ];
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=numbers.below(6) {
        let place = numbers.below(lines.len() as u64 + 1) as usize;
        let length = numbers.below(5) as usize;
        match numbers.below(4) {
            0 if !lines.is_empty() => drop(lines.drain(
                place.min(lines.len() - 1)..(place + length).min(lines.len()).max(place.min(lines.len() - 1)),
            )),
            1 => {
                let block: Vec<String> = lines.iter().skip(place).take(length + 2).cloned().collect();
                lines.splice(place..place, block);
            }
            _ => {
                for _ in 0..=length {
                    let word = words[numbers.below(words.len() as u64) as usize];
                    lines.insert(place, word.to_owned());
                }
            }
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

#[test]
fn generated_histories_match_and_their_diffs_apply() {
    let mut repo = Repo::new();
    let mut numbers = Numbers(0x5eed_1234_abcd_0001);
    let mut files: Vec<(String, String)> = Vec::new();
    for round in 0..70 {
        for _ in 0..=numbers.below(4) {
            let pick = numbers.below(files.len() as u64 + 1) as usize;
            match numbers.below(7) {
                0 | 1 if files.len() < 40 => {
                    let path = format!("d{}/f{round}-{}.rs", numbers.below(5), numbers.below(1_000_000));
                    let mut text = String::new();
                    for _ in 0..10 {
                        text = edit(&mut numbers, &text);
                    }
                    repo.write(&path, &text);
                    files.push((path, text));
                }
                2 if pick < files.len() => {
                    let (old, text) = files.swap_remove(pick);
                    repo.remove(&old);
                    let text = if numbers.below(2) == 0 { text } else { edit(&mut numbers, &text) };
                    let name = match numbers.below(2) {
                        0 => old.rsplit('/').next().unwrap().to_owned(),
                        _ => format!("moved-{round}.rs"),
                    };
                    let path = format!("e{}/{name}", numbers.below(4));
                    files.retain(|file| file.0 != path);
                    repo.write(&path, &text);
                    files.push((path, text));
                }
                3 if pick < files.len() => repo.remove(&files.swap_remove(pick).0),
                _ if pick < files.len() => files[pick].1 = edit(&mut numbers, &files[pick].1),
                _ => {}
            }
        }
        files.sort();
        for (path, text) in &files {
            repo.write(path, text);
        }
        repo.commit(&format!("Round {round}"));
    }
    let checkout = repo.open();
    let mut same = 0;
    let commits = repo.all_commits();
    for &id in &commits {
        let (_, ours) = describe(&checkout, id);
        files_match(&repo, &checkout, id);
        same += usize::from(ours == git_diff(&repo, id, &["-p", "--full-index"]));
        applies(&repo, id, &ours);
    }
    assert_eq!(same, commits.len(), "diffs that equal git's byte for byte");
}

/// Git must get from the parent's tree to the commit's tree with our diff.
fn applies(repo: &Repo, id: ObjectId, diff: &[u8]) {
    let parent = repo.text(&["rev-list", "--parents", "-n1", &id.to_string()]);
    match parent.split_whitespace().nth(1) {
        Some(parent) => repo.git(&["read-tree", parent]),
        None => repo.git(&["read-tree", "--empty"]),
    };
    let file = repo.dir.path().join("patch");
    std::fs::write(&file, diff).unwrap();
    if !diff.is_empty() {
        repo.git(&["apply", "--cached", "--whitespace=nowarn", file.to_str().unwrap()]);
    }
    assert_eq!(
        repo.id(&repo.text(&["write-tree"])),
        repo.id(&format!("{id}^{{tree}}")),
        "tree after applying {id}"
    );
}

#[test]
fn a_commit_is_told_as_it_is() {
    let mut repo = Repo::new();
    repo.write("a", "1\n");
    let first = repo.commit("\n\n  Subject with blanks  \nsecond line\n\nbody");
    repo.git(&[
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "-c",
        "user.name=x",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "plain",
    ]);
    let checkout = repo.open();
    let info = checkout.commit(first).unwrap();
    assert_eq!(info.subject, "Subject with blanks");
    assert_eq!((info.author.name.as_str(), info.author.email.as_str()), ("Ada Lovelace", "ada@example.org"));
    assert_eq!(info.authored_seconds, 1_700_000_060);
    assert_eq!(info.committed_seconds, 1_700_000_065);
    assert!(info.parents.is_empty());
    assert_eq!(checkout.commit(repo.id("HEAD")).unwrap().parents, [first]);
}

#[test]
fn odd_commits_are_told_without_losing_them() {
    let repo = Repo::new();
    let tree = repo.text(&["write-tree"]);
    let raw = |bytes: Vec<u8>| {
        let file = repo.dir.path().join("raw");
        std::fs::write(&file, bytes).unwrap();
        let id = repo.text(&["hash-object", "-t", "commit", "--literally", "-w", file.to_str().unwrap()]);
        repo.open().commit(id.parse().unwrap()).unwrap()
    };
    let commit = |author: &str, rest: &[u8]| {
        let mut bytes = format!("tree {tree}\nauthor {author}\ncommitter C <c@x> 1 +0000\n").into_bytes();
        bytes.extend_from_slice(rest);
        raw(bytes)
    };
    let latin = commit("M\u{20}<m@x> 1 +0000", b"encoding ISO-8859-1\n\ngr\xfc\xdfe\n");
    assert_eq!(latin.subject, "grüße");
    let broken = commit("M <m@x> 1 +0000", b"\nbad \xff utf-8\n");
    assert_eq!(broken.subject, "bad \u{fffd} utf-8");
    let late = commit("M <m@x> 99999999999999 +0000", b"\nfar away\n");
    assert_eq!(late.authored_seconds, 253_402_300_799);
    let long = commit(&format!("{} <m@x> 1 +0000", "n".repeat(5_000)), b"\n\n");
    assert_eq!((long.author.name.len(), long.subject.as_str()), (500, ""));
}

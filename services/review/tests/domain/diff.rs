//! The parser against hand-written diffs, arbitrary bytes, and what git really prints.

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use septet_review::diff::{ChangeKind, Diff, DiffProblem, Event, FileChange, Limits};

/// A file and the lines added to it.
type Read = Vec<(FileChange, Vec<(u32, Vec<u8>)>)>;

fn read(diff: &[u8]) -> Result<Read, septet_review::diff::DiffError> {
    let mut files = Read::new();
    for event in Diff::new(diff, Limits::default()) {
        match event? {
            Event::File(file) => files.push((file, Vec::new())),
            Event::Added(line) => {
                let (file, lines) = files.last_mut().expect("a file comes before its lines");
                assert_eq!(line.path, file.path);
                lines.push((line.number, line.content.to_vec()));
            }
        }
    }
    Ok(files)
}

fn added(diff: &str) -> Vec<(String, u32, String)> {
    let files = read(diff.as_bytes()).expect("a diff");
    let line = |file: &FileChange, (number, text): (u32, Vec<u8>)| {
        (file.path.to_string(), number, String::from_utf8(text).expect("UTF-8"))
    };
    files.into_iter().flat_map(|(file, lines)| lines.into_iter().map(move |one| line(&file, one))).collect()
}

fn problem(diff: &str) -> (u64, DiffProblem) {
    let error = read(diff.as_bytes()).expect_err("no diff");
    (error.line, error.problem)
}

#[test]
fn content_that_looks_like_headers_is_content() {
    let diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,4 @@\n--- a/old\n-@@ -1 +1 @@\n+++ b/new\n+diff --git a/q b/q\n+@@ -1 +1 @@\n+\\ x\n";
    let expected = ["++ b/new", "diff --git a/q b/q", "@@ -1 +1 @@", "\\ x"];
    let found = added(diff);
    assert_eq!(found.iter().map(|(_, _, text)| text.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!(found.iter().map(|(_, number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn carriage_returns_missing_line_feeds_and_stripped_blanks() {
    let diff = "diff -u x x\r\n--- x\t2024-01-01\r\n+++ x\t2024-01-02\r\n@@ -1,3 +1,4 @@ f()\r\n a\r\n\r\n+b\r\n-c\n\\ No newline at end of file\n+d";
    assert_eq!(added(diff), [("x".into(), 2 + 1, "b".into()), ("x".into(), 4, "d".into())]);
}

#[test]
fn names_with_quotes_blanks_and_bytes() {
    let diff = concat!(
        "diff --git \"a/t\\303\\244b\\t\\377\" \"b/t\\303\\244b\\t\\377\"\nnew file mode 100644\n--- /dev/null\n",
        "+++ \"b/t\\303\\244b\\t\\377\"\n@@ -0,0 +1 @@\n+x\n",
        "diff --git a/one two b/one two\n--- a/one two\t\n+++ b/one two\t\n@@ -0,0 +7 @@\n+y\n",
    );
    let files = read(diff.as_bytes()).expect("a diff");
    assert_eq!(&*files[0].0.path, "täb\\011\\377");
    assert_eq!((&*files[1].0.path, files[1].1[0].0), ("one two", 7));
}

#[test]
fn kinds_of_changes() {
    let diff = "diff --git a/a b/b\nsimilarity index 100%\nrename from a\nrename to b\n\
        diff --git a/c b/d\ncopy from c\ncopy to d\n\
        diff --git a/e b/e\ndeleted file mode 100644\n--- a/e\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
        diff --git a/f b/f\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/f differ\n\
        diff --git a/g b/g\nold mode 100644\nnew mode 100755\n\
        diff --git a/h b/h\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZ@@\n\nliteral 0\nHcmV?d00001\n\n\
        Binary files i/x and w/x differ\n";
    let files = read(diff.as_bytes()).expect("a diff");
    let seen: Vec<_> = files.iter().map(|(file, _)| (&*file.path, file.kind, file.binary)).collect();
    use ChangeKind::{Added, Copied, Deleted, Modified, Renamed};
    assert_eq!(
        seen,
        [
            ("b", Renamed, false),
            ("d", Copied, false),
            ("e", Deleted, false),
            ("f", Added, true),
            ("g", Modified, false),
            ("h", Modified, true),
            ("x", Modified, true),
        ]
    );
    assert_eq!(files[0].0.old_path.as_deref(), Some("a"));
}

#[test]
fn folders_that_look_like_prefixes_stay() {
    let no_prefix = "diff --git b/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n";
    assert_eq!(added(no_prefix)[0].0, "b/x");
    let mnemonic = "diff --git i/src/x w/src/x\n--- i/src/x\n+++ w/src/x\n@@ -0,0 +1 @@\n+x\n";
    assert_eq!(added(mnemonic)[0].0, "src/x");
    let plain = "--- old/x\n+++ new/x\n@@ -0,0 +1 @@\n+x\n";
    assert_eq!(added(plain)[0].0, "new/x");
}

#[test]
fn a_merge_has_one_column_for_each_parent() {
    let diff = "diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,2 -1,2 +1,4 @@@\n  same\n +ours\n+ theirs\n++both\n--gone\n";
    // `gone` is in both parents, so each has three lines.
    assert_eq!(problem(diff), (10, DiffProblem::HunkTooLong));
    let diff = diff.replace("-1,2 -1,2", "-1,3 -1,3");
    let texts: Vec<_> = added(&diff).into_iter().map(|(_, number, text)| (number, text)).collect();
    assert_eq!(texts, [(2, "ours".to_owned()), (3, "theirs".to_owned()), (4, "both".to_owned())]);
}

#[test]
fn what_the_hunk_headers_do_not_cover_is_an_error_with_its_line() {
    let head = "--- a/x\n+++ b/x\n";
    assert_eq!(problem(&format!("{head}@@ -0,0 +1 @@\n+a\n+hidden\n")), (5, DiffProblem::HunkTooLong));
    assert_eq!(problem(&format!("{head}@@ -0,0 +1,3 @@\n+a\n")), (4, DiffProblem::Truncated));
    assert_eq!(problem(&format!("{head}@@ -0,0 +1,3 @@\n+a\n*b\n")), (5, DiffProblem::BadHunkLine));
    assert_eq!(problem(&format!("{head}@@ nonsense\n")), (3, DiffProblem::BadHunkHeader));
    assert_eq!(problem(&format!("{head}@@ -1 +4294967295,2 @@\n")), (3, DiffProblem::BadHunkHeader));
    assert_eq!(problem("@@ -0,0 +1 @@\n+a\n"), (1, DiffProblem::HunkWithoutFile));
    assert_eq!(problem("--- \"a\\q\"\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"), (1, DiffProblem::BadPath));
    let mail = format!("From: x\n\n---\n x | 1 +\n\n{head}@@ -0,0 +1 @@\n+a\n-- \n2.39.0\n\n+no diff\n");
    assert_eq!(added(&mail).len(), 1, "a mail's signature ends the diff");
}

#[test]
fn limits() {
    let diff =
        b"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+aaaaaaaaaaaaaaaaaaaa\n--- a/y\n+++ b/y\n@@ -0,0 +1 @@\n+a\n";
    let with =
        |limits| Diff::new(diff, limits).find_map(Result::err).map(|error| (error.line, error.problem));
    let all = Limits { max_bytes: diff.len(), max_files: 2, max_line_bytes: 21 };
    assert_eq!(with(all), None);
    let bytes = diff.len();
    let too_large = DiffProblem::TooLarge { bytes, limit: bytes - 1 };
    assert_eq!(with(Limits { max_bytes: bytes - 1, ..all }), Some((1, too_large)));
    assert_eq!(with(Limits { max_files: 1, ..all }), Some((6, DiffProblem::TooManyFiles { limit: 1 })));
    assert_eq!(with(Limits { max_line_bytes: 20, ..all }), Some((4, DiffProblem::LineTooLong { limit: 20 })));
}

fn git(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let fixed = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git")
        .args(fixed)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output();
    output.ok().map(|output| output.stdout)
}

/// A file with lines of every awkward kind, chosen by `seed`.
fn awkward(seed: u64) -> Vec<u8> {
    let lines: [&[u8]; 10] = [
        b"plain",
        b"",
        b"--- a/x",
        b"+++ b/x",
        b"@@ -1,2 +3,4 @@",
        b"\\ No newline at end of file",
        b"diff --git a/x b/x",
        b"caf\xe9 \xff",
        b"with return\r",
        b"-- ",
    ];
    let mut random = crate::samples::Random::new(seed);
    let mut text = Vec::new();
    for _ in 0..random.next() % 40 {
        text.extend_from_slice(lines[random.next() as usize % lines.len()]);
        text.push(b'\n');
    }
    if random.next().is_multiple_of(2) {
        text.extend_from_slice(b"last");
    }
    text
}

/// The oracle is the new file itself: each added line must stand at its number there, and git's own count of added lines
/// must be the same.
#[test]
#[allow(clippy::print_stderr)]
fn real_git_output() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    if git(folder, &["init", "-q", "-b", "main"]).is_none() {
        eprintln!("skipped: git not installed");
        return;
    }
    let names = ["plain.txt", "two words.txt", "t\u{e4}b\there.txt", "a/b/deep.txt", "quote\"d.txt"];
    let mut lines = 0;
    for round in 0..25 {
        for (index, name) in (0..).zip(names) {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, awkward(round * 10 + index)).expect("file");
        }
        git(folder, &["add", "-A"]);
        for options in
            [&["--no-prefix"][..], &["--src-prefix=i/", "--dst-prefix=w/"], &["-U0"], &["-M", "-U7"]]
        {
            let diff = git(folder, &[&["diff", "--cached"], options].concat()).expect("diff");
            let counts = git(folder, &["diff", "--cached", "--numstat", "-z"]).expect("counts");
            let counts = String::from_utf8_lossy(&counts).into_owned();
            let total: usize =
                counts.split('\0').filter_map(|one| one.split('\t').next()?.parse::<usize>().ok()).sum();
            let files = read(&diff).expect("git's diff");
            assert_eq!(files.iter().map(|(_, lines)| lines.len()).sum::<usize>(), total);
            for (file, added) in files {
                let name = file.path.replace("\\011", "\t");
                let text = std::fs::read(folder.join(name)).expect("the path names the file");
                let text: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
                for (number, content) in added {
                    let there = text[number as usize - 1];
                    assert_eq!(there.strip_suffix(b"\r").unwrap_or(there), content);
                    lines += 1;
                }
            }
        }
        git(folder, &["commit", "-q", "-m", "@@ not a hunk\n\n+++ nor this\n--- nor that"]);
        let shown = git(folder, &["show", "HEAD"]).expect("show");
        read(&shown).expect("git show");
    }
    assert!(lines > 1_000, "{lines} lines compared");

    // A merge with a conflict, resolved by hand, prints a combined diff.
    git(folder, &["checkout", "-q", "-b", "side", "HEAD~1"]);
    for (branch, text) in [("side", "one\nside\nthree\n"), ("main", "one\nmain\nthree\nfour\n")] {
        git(folder, &["checkout", "-q", branch]);
        std::fs::write(folder.join("m.txt"), text).expect("file");
        git(folder, &["add", "-A"]);
        git(folder, &["commit", "-q", "-m", branch]);
    }
    git(folder, &["merge", "-q", "-s", "ours", "--no-commit", "side"]);
    std::fs::write(folder.join("m.txt"), "one\nmerged\nside\nthree\n").expect("file");
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "merge"]);
    let shown = git(folder, &["show", "--format=", "HEAD", "--", "m.txt"]).expect("show");
    assert!(shown.starts_with(b"diff --cc m.txt"), "{}", String::from_utf8_lossy(&shown));
    let files = read(&shown).expect("a combined diff");
    assert_eq!(&*files[0].0.path, "m.txt");
    assert_eq!(files[0].1, [(2, b"merged".to_vec()), (3, b"side".to_vec())]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn anything_built_of_a_diffs_parts_is_read_without_a_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "diff --git a/x b/x\n", "diff --git \"a/\\303", "diff --cc x\n", "--- a/x\n", "+++ b/x\n", "--- /dev/null\n", "+++ /dev/null\n",
                "@@ -1 +1 @@\n", "@@ -0,0 +1,2 @@\n", "@@@ -1 -1 +1 @@@\n", "@@ -4294967295 +4294967295 @@\n", "+a\n", "-b\n", " c\n", "\n", "\r\n",
                "\\ No newline\n", "rename to \"\n", "rename from y\n", "Binary files a and b differ\n", "GIT binary patch\n", "-- \n", "++c\n", "@@", "\"", "--- \n",
            ]),
            0..30,
        ),
    ) {
        let _ = read(parts.concat().as_bytes());
    }
}

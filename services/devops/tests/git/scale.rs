//! A history of hundreds of commits, and a commit far larger than the memory it may take.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use septet_devops::git::{Checkout, DiffLimits, Since};

use crate::fixture::Repo;

/// A repository of `count` commits, each touching a few of 100 files, made by one `git fast-import`.
fn many(count: u32) -> Repo {
    let repo = Repo::new();
    let mut child = Command::new("git")
        .current_dir(&repo.path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    for n in 0..count {
        let message = format!("Commit {n}");
        writeln!(input, "commit refs/heads/main\ncommitter A <a@x> {} +0000", 1_600_000_000 + n * 60)
            .unwrap();
        writeln!(input, "data {}\n{message}", message.len()).unwrap();
        for file in 0..3 {
            let text: String =
                (0..200).map(|l| format!("line {l} {}\n", if l % 40 == n % 40 { n } else { 0 })).collect();
            writeln!(
                input,
                "M 644 inline src/m{}/f{}.rs\ndata {}\n{text}",
                n % 10,
                (n * 3 + file) % 10,
                text.len()
            )
            .unwrap();
        }
    }
    input.flush().unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    repo
}

/// Largest resident memory of this process so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn hundreds_of_commits_are_listed_and_described() {
    let repo = many(600);
    let checkout = repo.open();
    let refs = checkout.refs().unwrap();
    let start = Instant::now();
    let listed = checkout.history(&refs, Since::All, &[]).unwrap().commits;
    let walked = start.elapsed();
    assert_eq!(listed.len(), 600);
    let start = Instant::now();
    for listed in &listed {
        checkout.describe(listed.id, &DiffLimits::default(), &mut std::io::sink()).unwrap();
    }
    let described = start.elapsed();
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(checkout.refs().unwrap(), refs);
    }
    let looked = start.elapsed() / 100;
    let mut report = std::io::stderr();
    writeln!(report, "600 commits: listed in {walked:?}, described in {described:?}, one look {looked:?}")
        .unwrap();
    writeln!(report, "peak memory so far: {} KiB", peak()).unwrap();
    for listed in listed.iter().step_by(37) {
        crate::diff::matches_git(&repo, &checkout, listed.id);
    }
}

#[test]
#[ignore = "reads the repository that SEPTET_GIT_REPOSITORY names: for measuring"]
fn a_real_repository_is_read_like_git_reads_it() {
    let path = std::env::var("SEPTET_GIT_REPOSITORY").expect("SEPTET_GIT_REPOSITORY names a repository");
    let checkout = Checkout::open(path.as_ref()).unwrap();
    let refs = checkout.refs().unwrap();
    let start = Instant::now();
    let all = checkout.history(&refs, Since::All, &[]).unwrap().commits;
    let walked = start.elapsed();
    let take =
        std::env::var("SEPTET_GIT_COMMITS").ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let some: Vec<_> = all.iter().rev().take(take).collect();
    let start = Instant::now();
    let mut bytes = 0;
    for listed in &some {
        bytes +=
            checkout.describe(listed.id, &DiffLimits::default(), &mut std::io::sink()).unwrap().diff_bytes;
    }
    let described = start.elapsed();
    let mut report = std::io::stderr();
    writeln!(
        report,
        "{} commits listed in {walked:?}; {} described in {described:?}, {bytes} bytes",
        all.len(),
        some.len()
    )
    .unwrap();
    writeln!(report, "peak memory: {} KiB", peak()).unwrap();
    let mut different = Vec::new();
    for listed in &some {
        let mut ours = Vec::new();
        let described = checkout.describe(listed.id, &DiffLimits::default(), &mut ours).unwrap();
        let id = listed.id.to_string();
        let mut args = vec!["diff-tree", "-r", "-M", "-p", "--full-index"];
        let base = described.base.map(|base| base.to_string());
        match &base {
            Some(base) => args.extend([base.as_str(), id.as_str()]),
            None => args.extend(["--root", "--no-commit-id", id.as_str()]),
        }
        let theirs = crate::fixture::git_in(path.as_ref(), 0, &args).stdout;
        if ours != theirs {
            different.push(id);
        }
    }
    writeln!(report, "{} of {} diffs differ from git's: {different:?}", different.len(), some.len()).unwrap();
}

//! A scratch repository driven by the git program, in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use septet_devops::git::{Checkout, Described, DiffLimits, ObjectId};

pub struct Repo {
    pub dir: tempfile::TempDir,
    pub path: PathBuf,
    clock: u64,
}

pub fn git_in(path: &Path, clock: u64, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.current_dir(path).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (key, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ada Lovelace"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Grace Hopper"),
        ("GIT_COMMITTER_EMAIL", "grace@example.org"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
    ] {
        command.env(key, value);
    }
    command
        .env("GIT_AUTHOR_DATE", format!("{clock} +0200"))
        .env("GIT_COMMITTER_DATE", format!("{} +0000", clock + 5));
    command.args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0", "-c", "core.quotePath=true"]);
    command.args(args).output().expect("the tests need the git program")
}

impl Repo {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("work");
        std::fs::create_dir(&path).unwrap();
        let repo = Self { dir, path, clock: 1_700_000_000 };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    /// Runs git, which must succeed, and returns what it prints.
    pub fn git(&self, args: &[&str]) -> Vec<u8> {
        let output = git_in(&self.path, self.clock, args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.git(args)).unwrap().trim_end().to_owned()
    }

    pub fn id(&self, revision: &str) -> ObjectId {
        self.text(&["rev-parse", "--verify", revision]).parse().unwrap()
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path.join(path)).unwrap();
    }

    /// Commits all there is, a minute after the commit before.
    pub fn commit(&mut self, subject: &str) -> ObjectId {
        self.git(&["add", "-A"]);
        self.commit_index(subject)
    }

    pub fn commit_index(&mut self, subject: &str) -> ObjectId {
        self.clock += 60;
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.id("HEAD")
    }

    pub fn at(&mut self, clock: u64) {
        self.clock = clock;
    }

    pub fn tick(&mut self) {
        self.clock += 60;
    }

    pub fn open(&self) -> Checkout {
        Checkout::open(&self.path).unwrap()
    }

    pub fn all_commits(&self) -> Vec<ObjectId> {
        self.text(&["rev-list", "--all"]).lines().map(|line| line.parse().unwrap()).collect()
    }
}

pub fn describe(checkout: &Checkout, id: ObjectId) -> (Described, Vec<u8>) {
    let mut diff = Vec::new();
    let described = checkout.describe(id, &DiffLimits::default(), &mut diff).unwrap();
    (described, diff)
}

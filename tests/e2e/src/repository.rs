use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A git repository made by the git binary, away from the settings of whoever runs the tests.
pub struct Repository {
    dir: PathBuf,
    commits: u64,
}

/// A secret that was committed, and where a review must find it.
pub struct Planted {
    /// Path in the repository.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u32,
    /// A part of the id of the rule that must find it.
    pub rule: &'static str,
    /// The secret itself, or a telling part of it.
    pub secret: String,
}

impl Repository {
    /// An empty repository.
    ///
    /// # Panics
    /// If git is not installed or refuses.
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).expect("a directory for the repository");
        let repository = Self { dir: dir.to_owned(), commits: 0 };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Commits so many changes to a few files, fast.
    pub fn fill(&mut self, commits: u64) {
        let mut stream = String::new();
        for _ in 0..commits {
            let number = self.commits;
            let time = 1_700_000_000 + number * 60;
            let message = format!("Change number {number}");
            let content = format!("line {number}\nof a file that changes\n");
            let from = if number == 0 { String::new() } else { "from refs/heads/main^0\n".to_owned() };
            // `from` is only for a branch that fast-import does not know yet in this run.
            let from = if stream.is_empty() { from } else { String::new() };
            stream.push_str(&format!(
                "commit refs/heads/main\ncommitter A <a@example.org> {time} +0000\ndata {}\n{message}\n{from}M 100644 inline src/file{}.txt\ndata {}\n{content}\n",
                message.len(),
                number % 17,
                content.len(),
            ));
            self.commits += 1;
        }
        let input = self.dir.join(".git/import");
        fs::write(&input, stream).expect("the import is written");
        let status = self
            .command(&["fast-import", "--quiet", "--force"])
            .stdin(fs::File::open(&input).expect("the import is there"))
            .status()
            .expect("git runs");
        assert!(status.success(), "git fast-import failed");
        self.git(&["reset", "--quiet", "--hard", "main"]);
    }

    /// Commits a file; gives the commit's hash.
    pub fn commit(&mut self, file: &str, content: &str, message: &str) -> String {
        let path = self.dir.join(file);
        fs::create_dir_all(path.parent().expect("a file in the repository")).expect("its folder");
        fs::write(path, content).expect("the file is written");
        self.git(&["add", "--all"]);
        self.commits += 1;
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits an AWS key, a GitHub token and a private key. They are put together here, so that no file of this
    /// repository has one in it.
    pub fn plant(&mut self) -> [Planted; 3] {
        let aws = format!("{}{}", "AKIA", "Q3EGRIUB5XTV7K2L");
        let github = format!("{}{}", "ghp_", "b7Xk2LmQ9sWcR4tYvN8pDfGhJzA1eU6iOoT3");
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Zx9TqLmVbWcR\n".repeat(3);
        let (begin, end) =
            (format!("-----BEGIN {} KEY-----", "PRIVATE"), format!("-----END {} KEY-----", "PRIVATE"));
        self.commit(
            "config/app.py",
            &format!("import os\n\nAWS_ACCESS_KEY_ID = \"{aws}\"\n"),
            "Add the configuration",
        );
        self.commit(
            "ci/release.sh",
            &format!("#!/bin/sh\nset -e\nexport TOKEN={github}\n"),
            "Add the release script",
        );
        self.commit("certs/server.pem", &format!("{begin}\n{body}{end}\n"), "Add the server's key");
        [
            Planted { file: "config/app.py", line: 3, rule: "aws", secret: aws },
            Planted { file: "ci/release.sh", line: 3, rule: "github", secret: github },
            Planted {
                file: "certs/server.pem",
                line: 1,
                rule: "private-key",
                secret: body.lines().next().unwrap_or_default().to_owned(),
            },
        ]
    }

    /// Runs git in the repository; gives what it prints.
    ///
    /// # Panics
    /// If git fails.
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("git prints text").trim().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let time = format!("{} +0000", 1_700_000_000 + self.commits * 60);
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(&self.dir)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.org")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.org")
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time);
        command
    }
}

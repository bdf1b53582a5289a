use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

/// The binary `septet` on a data directory of its own, listening on free ports.
pub struct Septet {
    dir: PathBuf,
}

/// A command that has ended.
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
}

/// A command that runs.
pub struct Running {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: PathBuf,
}

impl Septet {
    /// With a data directory `data` below this one.
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).expect("a working directory");
        Self { dir: dir.to_owned() }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The command, to be changed before it runs.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary("septet"));
        command
            .args(args)
            .args(["--data".as_ref(), self.data().as_os_str()])
            // Not where a `septet.toml` may lie.
            .current_dir(&self.dir)
            .env("SEPTET_SUITE__GRPC__LISTEN", "127.0.0.1:0")
            .env("SEPTET_SUITE__ADMIN__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Finished {
        Finished::of(self.command(args))
    }

    /// Runs a command that must succeed; gives what it prints.
    pub fn ok(&self, args: &[&str]) -> String {
        let finished = self.run(args);
        assert!(finished.status.success(), "septet {args:?}: {}\n{}", finished.status, finished.stderr);
        finished.stdout
    }

    /// Starts a command. Its standard error goes to a file of this name.
    pub fn start(&self, args: &[&str], log: &str) -> Running {
        let stderr = self.dir.join(log);
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&stderr).expect("a log file"))
            .spawn()
            .expect("septet starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        Running { child, stdout, stderr }
    }
}

impl Finished {
    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it cannot start or prints something else than text.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().expect("the command starts");
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("text on standard output"),
            stderr: String::from_utf8(output.stderr).expect("text on standard error"),
        }
    }
}

impl Running {
    /// The next line of its standard output; `None` at its end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        // A line that was cut by a kill is no line.
        self.stdout.read_line(&mut line).expect("text");
        line.ends_with('\n').then(|| line.trim_end().to_owned())
    }

    /// Ends it as a crash would; gives the rest of its whole lines.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it is killed");
        let mut rest = Vec::new();
        while let Some(line) = self.line() {
            rest.push(line);
        }
        self.child.wait().expect("it has ended");
        rest
    }

    /// Asks it to end, and waits.
    pub fn terminate(mut self) -> Finished {
        let status =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Finished {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).expect("text");
        let status = self.child.wait().expect("it has ended");
        Finished { status, stdout, stderr: fs::read_to_string(&self.stderr).unwrap_or_default() }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A binary that was built beside this test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let binary = profile.join(name);
    assert!(
        binary.exists(),
        "{} is not there: build it with `cargo build -p {name}`, or run the tests with `cargo xtask test`",
        binary.display()
    );
    binary
}

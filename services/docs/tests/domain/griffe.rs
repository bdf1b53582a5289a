//! The APIs of two published Python packages, compared with what griffe says of them.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use septet_docs::{
    api::{Kind, Language},
    resolve::{self, Files},
    source::{Dialect, Reader},
};
use serde_json::{Map, Value};

/// Names and signatures of a hundred that must be the same.
const BAR: f64 = 99.0;

#[test]
fn click_is_read_as_griffe_reads_it() {
    compare("click");
}

#[test]
fn itsdangerous_is_read_as_griffe_reads_it() {
    compare("itsdangerous");
}

#[expect(clippy::print_stdout, reason = "the figure is for whoever reads the test's output")]
fn compare(package: &str) {
    let python = match python() {
        Ok(python) => python,
        Err(why) => return septet_testkit::servers::skip("griffe", &why),
    };
    let site = site_packages(&python);
    let ours = ours(&site, package);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/domain/griffe/compare.py");
    let mut child = Command::new(&python)
        .arg(script)
        .arg(package)
        .arg(&site)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    child.stdin.take().expect("piped").write_all(ours.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the comparison failed");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let number = |key: &str| found[key].as_f64().expect("a number");
    let count = |key: &str| found[key].as_array().expect("a list").len() as f64;
    // What only one side has counts against us, whichever it is.
    let names = 100.0 * number("both") / (number("both") + count("missing") + count("extra"));
    let signatures = 100.0 * (number("signatures") - count("differ")) / number("signatures");
    println!(
        "{package}: {names:.2} % of {} names, {signatures:.2} % of {} signatures; missing {}, extra {}, differ {}",
        found["griffe"], found["signatures"], found["missing"], found["extra"], found["differ"]
    );
    assert!(number("signatures") > 20.0, "{package}: too few functions to tell anything");
    assert!(names >= BAR, "{package}: {names:.2} % of the names are the same");
    assert!(signatures >= BAR, "{package}: {signatures:.2} % of the signatures are the same");
}

/// Signatures by path, as read here. Second names are left out where griffe does not count them.
fn ours(site: &Path, package: &str) -> Value {
    let mut paths = Vec::new();
    walk(&site.join(package), &mut paths);
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.strip_prefix(site).expect("below it").to_string_lossy().replace('\\', "/"))
        .collect();
    let texts: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("a file")).collect();
    let given: Vec<(Dialect, &[u8])> = texts.iter().map(|text| (Dialect::Python, text.as_slice())).collect();
    let read = Reader { max_file_bytes: 1 << 20 }.read_all(&given).expect("a thread");
    let files: Files =
        names.into_iter().zip(read).map(|(name, facts)| (name, Arc::new(facts.expect("Python")))).collect();
    let api = resolve::api(&files);
    let symbols =
        api.public().filter(|symbol| symbol.language == Language::Python && symbol.kind != Kind::Alias);
    let symbols = symbols.map(|symbol| {
        let mut signature = serde_json::to_value(&symbol.signature).expect("JSON");
        // Griffe has properties as attributes.
        if symbol.kind == Kind::Property {
            signature["parameters"] = Value::Null;
        }
        (symbol.path.clone(), signature)
    });
    Value::Object(symbols.collect::<Map<_, _>>())
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|end| end == "py") {
            paths.push(path);
        }
    }
}

/// Python with the packages of `griffe/requirements.txt`, made below `target/tools/` the first time.
fn python() -> Result<PathBuf, String> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/domain/griffe/requirements.txt");
    let version = run(Command::new("python3").arg("--version"))?;
    let mut of = DefaultHasher::new();
    (version, fs::read(&requirements).expect("the requirements")).hash(&mut of);
    let dir = septet_servers::target_dir().join("tools").join(format!("griffe-{:016x}", of.finish()));
    let program = dir.join("bin/python");
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(&dir).map_err(failed)?;
    // Tests that need it at the same time become one that makes it and others that find it.
    let lock = File::create(dir.join("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if !dir.join("complete").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
        let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
        let only = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r"];
        run(Command::new(&program).args(pip).args(only).arg(&requirements))?;
        File::create(dir.join("complete")).map_err(failed)?;
    }
    Ok(program)
}

fn site_packages(python: &Path) -> PathBuf {
    let code = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
    PathBuf::from(run(Command::new(python).args(["-c", code])).expect("a path").trim())
}

/// What a command prints; else the last line of what it says.
fn run(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
    Err(format!("{shown}: {}", said.lines().rfind(|line| !line.is_empty()).unwrap_or("it said nothing")))
}

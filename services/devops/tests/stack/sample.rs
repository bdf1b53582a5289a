//! Sample trees, from text.

use std::{fs, path::Path};

use septet_devops::{
    generate::{self, Generated},
    stack::{self, Analysis, Claim, Component, Contents, Entry, Fact, Limits, Rules, Task},
};

/// A tree and what must be said of it.
pub struct Sample {
    pub name: String,
    pub files: Vec<(String, String)>,
    pub expected: Vec<String>,
    pub never: Vec<String>,
}

/// Every sample.
pub fn all() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack/samples");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Sample::parse(name, &fs::read_to_string(path).unwrap())
    };
    paths.iter().map(|path| read(path)).collect()
}

impl Sample {
    fn parse(name: String, text: &str) -> Self {
        let mut sample = Self { name, files: Vec::new(), expected: Vec::new(), never: Vec::new() };
        for section in format!("\n{text}").split("\n== ").skip(1) {
            let (title, body) = section.split_once('\n').unwrap_or((section, ""));
            let lines = || body.lines().map(str::to_owned).collect();
            match title {
                "expect" => sample.expected = lines(),
                "never" => sample.never = lines(),
                path => sample.files.push((path.to_owned(), format!("{body}\n"))),
            }
        }
        sample
    }

    /// As from a repository: paths, and the contents that are wanted.
    pub fn analyze(&self, rules: &Rules) -> Analysis {
        analyze(&self.files, rules, &Limits::default())
    }

    pub fn generate(&self, rules: &Rules) -> Generated {
        generate::generate(&self.analyze(rules), rules).unwrap()
    }

    /// The tree as a directory.
    pub fn write(&self, root: &Path) {
        for (path, content) in &self.files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
}

pub fn analyze(files: &[(String, String)], rules: &Rules, limits: &Limits) -> Analysis {
    let entries =
        files.iter().map(|(path, content)| Entry { path: path.clone(), size: content.len() as u64 });
    let wanted = rules.wanted(entries.collect(), limits);
    let mut contents = Contents::default();
    for path in &wanted.paths {
        let (_, content) = files.iter().find(|(known, _)| known == path).unwrap();
        contents.insert(path.clone(), content.as_bytes());
    }
    rules.analyze(wanted, &contents, limits)
}

/// One tree of a few files.
pub fn tree(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|&(path, content)| (path.to_owned(), content.to_owned())).collect()
}

/// A claim in the words of the samples; with its version where it has one.
pub fn words(claim: &Claim) -> String {
    let named = |kind: &str, name: &str| match claim.fact.version() {
        Some(version) => format!("{kind} {name} {version}"),
        None => format!("{kind} {name}"),
    };
    match &claim.fact {
        Fact::Language { name, .. } => named("language", name),
        Fact::PackageManager { name, .. } => named("package_manager", name),
        Fact::Framework { name, .. } => named("framework", name),
        Fact::Runtime { name, .. } => named("runtime", name),
        Fact::Service { name, .. } => named("service", name),
        Fact::Command { task, run } => {
            let task = match task {
                Task::Install => "install",
                Task::Lint => "lint",
                Task::Build => "build",
                Task::Test => "test",
            };
            format!("command {task} {run}")
        }
        Fact::Port { number } => format!("port {number}"),
        Fact::Container { path } => format!("container {path}"),
        Fact::Chart { path } => format!("chart {path}"),
        Fact::Infrastructure { name } => format!("infrastructure {name}"),
    }
}

/// All that is said of a component, as lines of a sample.
pub fn lines(component: &Component) -> Vec<String> {
    let path = if component.path.is_empty() { "." } else { &component.path };
    let claims = component.claims.iter().map(|claim| format!("{path} {}", words(claim)));
    let members = component.member_of.iter().map(|stack| format!("{path} member {stack}"));
    claims.chain(members).collect()
}

pub fn builtin() -> Rules {
    stack::Rules::builtin().unwrap()
}

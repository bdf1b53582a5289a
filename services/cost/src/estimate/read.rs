use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    compose,
    found::Found,
    helm,
    kubernetes::{self, Object},
    price::Prices,
    yaml::documents,
};

/// Bytes of a manifest at most.
pub const MAX_FILE: usize = 1 << 20;
/// Manifests at most.
pub const MAX_FILES: usize = 2_000;

/// What these files, by path and content, run.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>, prices: &Prices) -> Found {
    let mut found = Found::default();
    // Sorted, so that the order of the files makes no difference.
    let mut files: BTreeMap<&str, &[u8]> = files.into_iter().collect();
    while files.len() > MAX_FILES {
        if let Some((path, _)) = files.pop_last() {
            found.leave_out(path, "", format!("is over the limit of {MAX_FILES} files"));
        }
    }
    let paths: Vec<&str> = files.keys().copied().collect();
    let mut parsed: Vec<(&str, Vec<Value>)> = Vec::new();
    for (path, content) in files {
        if let Some(why) = aside(path, &paths) {
            if !why.is_empty() {
                found.leave_out(path, "", why);
            }
        } else if content.len() > MAX_FILE {
            found.leave_out(path, "", format!("is longer than {MAX_FILE} bytes"));
        } else {
            match documents(content) {
                Ok(documents) => parsed.push((path, documents)),
                Err(_) if content.windows(2).any(|two| two == b"{{") => {
                    found.leave_out(path, "", "is a template, and templates are not rendered");
                }
                Err(why) => found.leave_out(path, "", why),
            }
        }
    }
    let (mut charts, mut objects) = (Vec::new(), Vec::new());
    for (file, documents) in &parsed {
        if is_values(file) {
            let values = documents.first().unwrap_or(&Value::Null);
            charts.push(helm::Chart { file, folder: folder(file), values });
            continue;
        }
        for document in documents.iter().filter(|document| !document.is_null()) {
            if kubernetes::is_one(document) {
                objects.push(Object { file, value: document });
            } else if compose::is_one(document) {
                compose::read(file, document, prices, &mut found);
            } else {
                found.leave_out(file, "", "is neither Helm values, a Compose file nor a Kubernetes manifest");
            }
        }
    }
    helm::read(&charts, &mut found);
    kubernetes::read(&objects, prices, &mut found);
    found.unpriced.sort();
    found.unpriced.dedup();
    found
}

/// Why a file is not looked into; empty where nobody would expect it.
fn aside(path: &str, all: &[&str]) -> Option<&'static str> {
    let (folder, name) = (folder(path), name(path));
    let has = |folder: &str, names: &[&str]| {
        names.iter().any(|name| {
            let path = if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") };
            all.contains(&path.as_str())
        })
    };
    if !matches!(name.rsplit_once('.'), Some((_, "yaml" | "yml"))) {
        return Some("");
    }
    if matches!(name, "Chart.yaml" | "Chart.yml" | "requirements.yaml") {
        return Some("");
    }
    // A chart's templates are priced by its values.
    let mut above = folder;
    while !above.is_empty() {
        let (parent, last) = above.rsplit_once('/').unwrap_or(("", above));
        if last == "templates" && has(parent, &["values.yaml", "values.yml", "Chart.yaml"]) {
            return Some("");
        }
        above = parent;
    }
    if is_values(path) && !matches!(name, "values.yaml" | "values.yml") {
        let others =
            |other: &&&str| self::folder(other) == folder && is_values(other) && self::name(other) != name;
        if all.iter().any(|other| others(&other)) {
            return Some("is one of several sets of values, of which only values.yaml is priced");
        }
    }
    let is_compose = |name: &str| name.starts_with("compose.") || name.starts_with("docker-compose.");
    let base = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
    if is_compose(name) {
        // The first that is there is the one that Compose takes.
        let first = base.iter().find(|base| has(folder, &[base]));
        if first.is_some_and(|first| *first != name) {
            return Some("lies over another Compose file, and only that is priced");
        }
    }
    None
}

fn is_values(path: &str) -> bool {
    let name = name(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.split(['-', '_', '.']).any(|part| part == "values")
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

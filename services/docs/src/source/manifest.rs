use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What a package says of itself, as far as its API depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manifest {
    /// `Cargo.toml`; none for a workspace without a package.
    Cargo(Option<CargoManifest>),
    /// `package.json`.
    Npm(PackageManifest),
    /// `pyproject.toml`: names of modules that are single files.
    PyProject(Vec<String>),
}

/// A Rust package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CargoManifest {
    /// Name of its library.
    pub name: String,
    /// Path of the library's root, where it says one.
    pub lib: Option<String>,
}

/// A package of npm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageManifest {
    /// Its name; may be empty.
    pub name: String,
    /// True if it is not meant to be published.
    pub private: bool,
    /// What users import, with the files that this stands for; `.` is the package itself.
    pub entries: Vec<(String, Vec<String>)>,
}

pub(super) fn cargo(text: &str) -> Result<Manifest, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let Some(name) =
        table.get("package").and_then(|package| package.get("name")).and_then(|name| name.as_str())
    else {
        return Ok(Manifest::Cargo(None));
    };
    let lib = table.get("lib");
    let text = |key: &str| lib.and_then(|lib| lib.get(key)).and_then(|value| value.as_str());
    let name = text("name").unwrap_or(name).replace('-', "_");
    Ok(Manifest::Cargo(Some(CargoManifest { name, lib: text("path").map(str::to_owned) })))
}

pub(super) fn pyproject(text: &str) -> Result<Manifest, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let root = toml::Value::Table(table);
    let at = |path: &[&str]| path.iter().try_fold(&root, |of, key| of.get(*key));
    let mut modules: Vec<String> = Vec::new();
    for path in [&["project", "name"][..], &["tool", "poetry", "name"], &["tool", "flit", "module", "name"]] {
        if let Some(name) = at(path).and_then(|name| name.as_str()) {
            modules.push(name.replace(['-', '.'], "_"));
        }
    }
    if let Some(names) = at(&["tool", "setuptools", "py-modules"]).and_then(|of| of.as_array()) {
        modules.extend(names.iter().filter_map(|name| name.as_str()).map(str::to_owned));
    }
    Ok(Manifest::PyProject(modules))
}

pub(super) fn npm(text: &str) -> Result<Manifest, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut package = PackageManifest {
        name: json.get("name").and_then(Json::as_str).unwrap_or_default().to_owned(),
        private: json.get("private").and_then(Json::as_bool).unwrap_or(false),
        entries: Vec::new(),
    };
    let mut root = Vec::new();
    match json.get("exports") {
        Some(Json::Object(map)) if map.keys().any(|key| key.starts_with('.')) => {
            for (name, target) in map {
                let mut files = Vec::new();
                targets(target, &mut files);
                if name == "." {
                    root.extend(files);
                } else if !name.ends_with(".json") {
                    package.entries.push((name.clone(), files));
                }
            }
        }
        Some(target) => targets(target, &mut root),
        None => {}
    }
    // Types first: they say more than what was built from them.
    let fields = ["types", "typings", "source", "module", "main"];
    root.extend(fields.iter().filter_map(|key| json.get(*key)).filter_map(Json::as_str).map(str::to_owned));
    if !root.is_empty() {
        package.entries.insert(0, (".".to_owned(), root));
    }
    Ok(Manifest::Npm(package))
}

fn targets(target: &Json, files: &mut Vec<String>) {
    match target {
        Json::String(file) => files.push(file.clone()),
        Json::Array(any) => any.iter().for_each(|target| targets(target, files)),
        Json::Object(conditions) => {
            let (types, other): (Vec<_>, Vec<_>) = conditions.iter().partition(|(name, _)| *name == "types");
            types.into_iter().chain(other).for_each(|(_, target)| targets(target, files));
        }
        _ => {}
    }
}

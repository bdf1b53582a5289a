use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

/// One package of the workspace, as its own `Cargo.toml` has it.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    /// Folder below the root, with `/`, such as `libs/store`. It decides which rules hold.
    pub(super) folder: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a dependency table.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether it says `workspace = true`.
    pub(super) inherited: bool,
    /// Whether it says anything about features.
    pub(super) sets_features: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Dev,
    Build,
}

impl Kind {
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Dev => "dev-dependencies",
            Self::Build => "build-dependencies",
        }
    }
}

impl Package {
    pub(super) fn read(root: &Path, manifest: &Path) -> Result<Self> {
        let shown = || format!("cannot read {}", manifest.display());
        let text = std::fs::read_to_string(manifest).with_context(shown)?;
        let folder = manifest.parent().unwrap_or(root).strip_prefix(root).unwrap_or(root);
        Self::parse(&folder.to_string_lossy().replace('\\', "/"), &text).with_context(shown)
    }

    pub(super) fn parse(folder: &str, text: &str) -> Result<Self> {
        let manifest: Table = text.parse()?;
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.context("it has no package.name")?.to_owned();
        let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let tables = std::iter::once(&manifest).chain(targets.filter_map(Value::as_table));
        let dependencies = tables.flat_map(of_table).collect();
        Ok(Self { name, folder: folder.to_owned(), dependencies })
    }

    /// The manifest's path, for messages.
    pub(super) fn file(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    pub(super) fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.folder)
    }
}

fn of_table(table: &Table) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for kind in [Kind::Normal, Kind::Dev, Kind::Build] {
        for (name, value) in table.get(kind.table()).and_then(Value::as_table).into_iter().flatten() {
            let says = |key: &str| value.get(key).is_some();
            dependencies.push(Dependency {
                name: name.clone(),
                kind,
                inherited: value.get("workspace").and_then(Value::as_bool) == Some(true),
                sets_features: says("features") || says("default-features"),
            });
        }
    }
    dependencies
}

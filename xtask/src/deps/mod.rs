//! Who may import whom. Cargo itself allows any acyclic graph; these rules keep the architecture.

mod calls;
mod manifest;
mod rules;
mod unused;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use manifest::{Dependency, Package};

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Violation {
    file: String,
    problem: String,
    fix: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.file, self.problem, self.fix)
    }
}

pub(crate) fn run(root: &Path) -> Result<()> {
    let packages = packages(root)?;
    let mut violations = rules::check(&packages);
    violations.extend(calls::check(root, &packages)?);
    violations.extend(unused::check(root, &packages)?);
    for violation in &violations {
        eprintln!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} violations of the dependency rules", violations.len());
    }
    println!("{} packages keep the dependency rules", packages.len());
    Ok(())
}

/// The workspace's packages. Cargo says which there are; what they wrote is read from their manifests, since Cargo's
/// answer no longer tells a feature of the root from one of a member.
fn packages(root: &Path) -> Result<Vec<Package>> {
    let mut command = cargo_metadata::MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml")).no_deps();
    let metadata = command.exec().context("`cargo metadata` failed")?;
    metadata.packages.iter().map(|package| Package::read(root, package.manifest_path.as_std_path())).collect()
}

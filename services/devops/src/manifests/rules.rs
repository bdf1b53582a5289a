//! Which files of a tree say what it deploys, by their paths.

use std::collections::BTreeSet;

/// Folders whose YAML files may be Kubernetes manifests.
const FOLDERS: [&str; 9] =
    ["k8s", "kubernetes", "manifests", "deploy", "deployment", "helm", "kustomize", "base", "overlays"];

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A chart's own file, its values, or a Compose file: it is what its path says.
    Named,
    /// A Kubernetes manifest, if its content says so.
    Kubernetes,
}

/// True if a path may be one of a manifest, whatever else is in the tree.
pub fn may_be(path: &str) -> bool {
    let (folder, name) = split(path);
    is_chart(name) || is_values(name) || is_compose(name) || is_yaml(name) && is_below(folder, &FOLDERS)
}

/// The manifests among the paths of a tree, in their order. A chart's templates are none: they say nothing before they are
/// rendered.
pub fn select<'p>(paths: &[&'p str]) -> Vec<(&'p str, Kind)> {
    let charts: BTreeSet<&str> = paths
        .iter()
        .map(|path| split(path))
        .filter(|(_, name)| is_chart(name))
        .map(|(folder, _)| folder)
        .collect();
    paths.iter().filter_map(|path| Some((*path, kind(path, &charts)?))).collect()
}

fn kind(path: &str, charts: &BTreeSet<&str>) -> Option<Kind> {
    let (folder, name) = split(path);
    if is_chart(name) || is_compose(name) {
        return Some(Kind::Named);
    }
    // From the folder itself up to the root.
    let chart = ancestors(folder).find(|folder| charts.contains(folder));
    if is_values(name) {
        return chart.map(|_| Kind::Named).or_else(|| kubernetes(folder));
    }
    match chart {
        Some(chart) if is_below(folder[chart.len()..].trim_start_matches('/'), &["templates"]) => None,
        _ if is_yaml(name) => kubernetes(folder),
        _ => None,
    }
}

fn kubernetes(folder: &str) -> Option<Kind> {
    is_below(folder, &FOLDERS).then_some(Kind::Kubernetes)
}

/// True if a content is that of a Kubernetes manifest.
pub fn is_kubernetes(content: &[u8]) -> bool {
    content.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_start().starts_with(b"apiVersion:"))
}

/// Folder and name; the folder of the root is empty.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| (!folder.is_empty()).then(|| split(folder).0))
}

fn is_below(folder: &str, names: &[&str]) -> bool {
    folder.split('/').any(|part| names.contains(&part))
}

/// The name without its ending, if that is YAML's.
fn stem(name: &str) -> Option<&str> {
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))
}

fn is_yaml(name: &str) -> bool {
    stem(name).is_some()
}

fn is_chart(name: &str) -> bool {
    name == "Chart.yaml"
}

fn is_values(name: &str) -> bool {
    stem(name).is_some_and(|stem| stem.starts_with("values"))
}

fn is_compose(name: &str) -> bool {
    let is = |stem: &str| {
        let rest = stem.strip_prefix("docker-compose").or_else(|| stem.strip_prefix("compose"));
        // `composer.yaml` is something else.
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    stem(name).is_some_and(is)
}

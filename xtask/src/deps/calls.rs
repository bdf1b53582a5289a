//! gRPC dependencies are acyclic: where a service must answer one that calls it, it publishes an event.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::unused::sources;
use super::{Package, Violation};

/// Who calls whom, by the domains' names.
type Calls = BTreeMap<String, Vec<String>>;

pub(super) fn check(root: &Path, packages: &[Package]) -> Result<Vec<Violation>> {
    let domains: Vec<&str> = packages.iter().filter_map(|p| p.folder.strip_prefix("proto/septet/")).collect();
    let mut calls = Calls::new();
    for package in packages {
        let Some(caller) = package.folder.strip_prefix("services/").filter(|name| *name != "suite") else {
            continue;
        };
        let mut code = String::new();
        for (_, text) in sources(&package.path(root).join("src"))? {
            code.push_str(&text);
        }
        let called = domains.iter().filter(|domain| **domain != caller && code.contains(&client(domain)));
        calls.insert(caller.to_owned(), called.map(|domain| (*domain).to_owned()).collect());
    }
    Ok(cycle(&calls).into_iter().map(|cycle| violation(&cycle)).collect())
}

/// The name that the generated client of a domain has: `ReviewServiceClient`.
fn client(domain: &str) -> String {
    let mut letters = domain.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain("ServiceClient".chars()).collect()
}

fn violation(cycle: &[String]) -> Violation {
    Violation {
        file: format!("services/{}/src", cycle[0]),
        problem: format!("services call each other in a circle: {}", cycle.join(" -> ")),
        fix: "publish an event for the way back".to_owned(),
    }
}

/// A circle, its first service named again at its end.
fn cycle(calls: &Calls) -> Option<Vec<String>> {
    fn walk(calls: &Calls, at: &str, path: &mut Vec<String>) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|seen| seen == at) {
            let mut cycle = path[start..].to_vec();
            cycle.push(at.to_owned());
            return Some(cycle);
        }
        path.push(at.to_owned());
        let found = calls.get(at).into_iter().flatten().find_map(|next| walk(calls, next, path));
        path.pop();
        found
    }
    calls.keys().find_map(|start| walk(calls, start, &mut Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(edges: &[(&str, &str)]) -> Calls {
        let mut calls = Calls::new();
        for (from, to) in edges {
            calls.entry((*from).to_owned()).or_default().push((*to).to_owned());
        }
        calls
    }

    #[test]
    fn a_circle_is_found_and_a_diamond_is_none() {
        assert_eq!(
            cycle(&calls(&[("docs", "review"), ("docs", "cost"), ("review", "devops"), ("cost", "devops")])),
            None
        );
        let circle = cycle(&calls(&[("docs", "review"), ("review", "cost"), ("cost", "review")])).unwrap();
        assert_eq!(circle, ["cost", "review", "cost"]);
    }

    #[test]
    fn calls_are_read_from_the_clients_in_use() {
        let root = tempfile::tempdir().unwrap();
        let mut packages = Vec::new();
        for (name, code) in [("docs", "use x::ReviewServiceClient;"), ("review", "use x::DocsServiceClient;")]
        {
            let folder = root.path().join("services").join(name).join("src");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("lib.rs"), code).unwrap();
            for folder in ["services", "proto/septet"] {
                let manifest = "package.name = \"x\"";
                packages.push(Package::parse(&format!("{folder}/{name}"), manifest).unwrap());
            }
        }
        let violations = check(root.path(), &packages).unwrap();
        assert_eq!(violations.len(), 1);
        assert!(violations[0].problem.ends_with("docs -> review -> docs"), "{}", violations[0].problem);
        std::fs::write(root.path().join("services/review/src/lib.rs"), "").unwrap();
        assert_eq!(check(root.path(), &packages).unwrap(), vec![]);
    }
}

//! What the suite says of itself is what its documents say, and who calls whom goes round in no circle.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use septet_e2e::{SERVICES, Septet};
use septet_testkit::evidence::Workspace;

/// What stands in a README before that which is generated.
const MARK: &str = "<!-- From `septet describe --markdown` on; `cargo xtask generate` rewrites it. -->\n\n";

#[test]
fn the_readme_of_each_service_is_what_the_service_says_of_itself() {
    let workspace = Workspace::new("described::readmes");
    let septet = Septet::new(workspace.path());
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    for service in SERVICES {
        let readme = std::fs::read_to_string(services.join(service).join("README.md")).expect("a README");
        let (_, generated) = readme.split_once(MARK).expect("the mark");
        let said = septet.ok(&["describe", service, "--markdown"]);
        assert_eq!(generated, said, "services/{service}/README.md: `cargo xtask generate` rewrites it");
    }
}

#[test]
fn calls_between_services_go_round_in_no_circle() {
    let workspace = Workspace::new("described::graph");
    let septet = Septet::new(workspace.path());
    let graph = septet.ok(&["describe", "--graph"]);
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut heard = 0;
    for line in graph.lines() {
        let line = line.trim();
        if let Some((caller, called)) = line.split_once(" -->|gRPC| ") {
            calls.entry(caller).or_default().insert(called);
        }
        heard += usize::from(line.contains("-.->"));
    }
    for (caller, called) in [("devops", "cost"), ("devops", "cx"), ("soc", "devops"), ("pipeline", "devops")]
    {
        assert!(calls.get(caller).is_some_and(|of| of.contains(called)), "{caller} calls {called}: {graph}");
    }
    assert!(heard >= SERVICES.len(), "{graph}");
    // Those who call nobody that is left are taken away until nothing is left.
    while !calls.is_empty() {
        let callers: BTreeSet<&str> = calls.keys().copied().collect();
        let before = calls.len();
        calls.retain(|_, called| called.iter().any(|called| callers.contains(called)));
        assert!(calls.len() < before, "they call each other in a circle: {calls:?}");
    }
}

//! `septet up --repo … --once --json` with a configuration of real servers does what it does without one.

use std::collections::BTreeMap;

use septet_e2e::{Deployment, Finished, Repository};
use serde_json::Value;

use super::site::Topology;
use crate::history;

/// A run to its end.
fn up(septet: &Deployment, repository: &Repository, options: &[&str]) -> Finished {
    let path = repository.path().to_str().expect("text");
    Finished::of(septet.command(&[&["up", "--repo", path, "--since", "all", "--once"], options].concat()))
}

/// The events of one repository among those that a run printed.
fn events_of(repository: &str, run: &Finished) -> BTreeMap<String, Value> {
    let lines: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    let mut events = history::events(&lines);
    events.retain(|_, event| {
        // Each has what it is about in one part.
        event["data"]
            .as_object()
            .is_some_and(|data| data.values().any(|part| part["repositoryName"] == repository))
    });
    events
}

#[tokio::test]
async fn a_history_is_reviewed_once_and_planted_secrets_fail_the_gate_on_real_servers() {
    Topology::SuiteOnServers
        .travel(async |site| {
            let mut septet = site.septet_alone().await;
            let stopped = septet.terminate("suite").await;
            assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
            let mut repository = Repository::new(&site.path("command-line"));
            repository.fill(100);

            let first = up(&septet, &repository, &["--json"]);
            assert_eq!(first.status.code(), Some(0), "{}", first.stderr);
            // Events of other journeys, whose topics these are too, are among the lines.
            history::each_commit_has_one_of_each(&events_of("command-line", &first), &repository);
            let second = up(&septet, &repository, &["--json"]);
            assert_eq!(second.status.code(), Some(0), "{}", second.stderr);
            assert_eq!(second.stdout, "", "nothing is done twice");

            let planted = repository.plant();
            let failed = up(&septet, &repository, &["--json"]);
            assert_eq!(failed.status.code(), Some(3), "{}", failed.stderr);
            history::has_findings(&events_of("command-line", &failed), &planted);
            let table = up(&septet, &repository, &[]);
            assert_eq!(table.status.code(), Some(3), "{}", table.stderr);
            let summary = "103 changes decided: 100 eligible, 3 blocked; 3 findings";
            assert!(table.stdout.contains(summary), "{}", table.stdout);

            septet.start("suite");
            septet.ready().await;
        })
        .await;
}

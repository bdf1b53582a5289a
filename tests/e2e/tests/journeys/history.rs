//! `septet up --repo` on a repository with a history.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use septet_e2e::{Planted, Repository, Septet};
use septet_testkit::evidence::Workspace;
use serde_json::Value;

const PUSHED: &str = "septet.devops.v1.ChangePushed";
const REVIEWED: &str = "septet.review.v1.ReviewCompleted";

/// Events by id: a line may come twice after a crash, with the same id and the same content.
pub fn events(lines: &[String]) -> BTreeMap<String, Value> {
    let mut events = BTreeMap::new();
    for line in lines {
        let event: Value = serde_json::from_str(line).expect("a line of JSON");
        let id = event["id"].as_str().expect("an id").to_owned();
        if let Some(earlier) = events.insert(id, event.clone()) {
            assert_eq!(earlier, event, "two events with one id");
        }
    }
    events
}

/// What each service publishes once for a change, and where it names the commit.
const ONCE: [(&str, &str); 5] = [
    (PUSHED, "/data/change/commit"),
    (REVIEWED, "/data/review/commit"),
    ("septet.docs.v1.DocsChecked", "/data/check/commit"),
    ("septet.cost.v1.CostEstimated", "/data/estimate/commit"),
    ("septet.soc.v1.ChangeAssessed", "/data/assessment/commit"),
];
/// What devops decides, again and again where more becomes known.
const DECIDED: &str = "septet.devops.v1.ReleaseDecided";

fn of<'a>(event: &'a Value, path: &str) -> &'a str {
    event.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {event}"))
}

/// The commits of all events of a type; fails where a commit has two.
fn commits(events: &BTreeMap<String, Value>, name: &str, path: &str) -> BTreeSet<String> {
    let mut commits = BTreeSet::new();
    for event in events.values().filter(|event| event["type"] == name) {
        assert!(commits.insert(of(event, path).to_owned()), "two {name} for one commit");
    }
    commits
}

/// Each service has said its word of each commit once, and devops has decided: one event for each decision.
pub fn each_commit_has_one_of_each(events: &BTreeMap<String, Value>, repository: &Repository) {
    let expected: BTreeSet<String> =
        repository.git(&["rev-list", "--all"]).lines().map(str::to_owned).collect();
    for (name, path) in ONCE {
        assert_eq!(commits(events, name, path), expected, "{name}");
    }
    let mut decisions: BTreeMap<&str, BTreeMap<u64, &str>> = BTreeMap::new();
    for event in events.values().filter(|event| event["type"] == DECIDED) {
        let revision = event["data"]["release"]["revision"].as_u64().expect("a number");
        let of_commit = decisions.entry(of(event, "/data/release/commit")).or_default();
        let twice = of_commit.insert(revision, of(event, "/data/release/state"));
        assert_eq!(twice, None, "a decision that was told twice: {event}");
    }
    assert_eq!(decisions.keys().map(|commit| (*commit).to_owned()).collect::<BTreeSet<_>>(), expected);
    for (commit, of_commit) in &decisions {
        let (last, state) = of_commit.last_key_value().expect("a decision");
        assert_eq!(*last, of_commit.len() as u64, "a decision of {commit} is missing");
        assert_eq!(*state, "RELEASE_STATE_ELIGIBLE", "{commit}");
    }
    // soc remarks on authors whose address is of a domain that is nobody's.
    let others = [DECIDED, "septet.soc.v1.AlertRaised"];
    let known: BTreeSet<&str> = ONCE.iter().map(|(name, _)| *name).chain(others).collect();
    let others: Vec<&Value> = events
        .values()
        .filter(|event| !event["type"].as_str().is_some_and(|name| known.contains(name)))
        .collect();
    assert_eq!(others, Vec::<&Value>::new(), "there are other events");
}

pub fn has_findings(events: &BTreeMap<String, Value>, planted: &[Planted]) {
    let findings: Vec<&Value> = events
        .values()
        .filter(|event| event["type"] == REVIEWED)
        .flat_map(|event| event["data"]["findings"].as_array().into_iter().flatten())
        .collect();
    assert_eq!(findings.len(), planted.len(), "{findings:#?}");
    for secret in planted {
        let found = findings.iter().any(|finding| {
            finding["file"] == secret.file
                && finding["line"] == secret.line
                && finding["ruleId"].as_str().is_some_and(|rule| rule.contains(secret.rule))
        });
        assert!(found, "{}:{} {} is not in {findings:#?}", secret.file, secret.line, secret.rule);
    }
}

#[test]
fn a_history_gives_one_event_of_each_kind_per_commit_and_a_second_run_none() {
    let workspace = Workspace::new("history::whole");
    let mut repository = Repository::new(&workspace.path().join("repo"));
    repository.fill(500);
    let septet = Septet::new(workspace.path());
    let path = repository.path().to_str().expect("text");
    let up = ["up", "--repo", path, "--since", "all", "--once", "--json"];

    let first = septet.run(&up);
    assert_eq!(first.status.code(), Some(0), "{}", first.stderr);
    let lines: Vec<String> = first.stdout.lines().map(str::to_owned).collect();
    let found = events(&lines);
    assert_eq!(found.len(), lines.len(), "a run without a crash repeats no line");
    each_commit_has_one_of_each(&found, &repository);

    let second = septet.run(&up);
    assert_eq!(second.status.code(), Some(0), "{}", second.stderr);
    assert_eq!(second.stdout, "", "nothing is done twice");
}

#[test]
fn the_default_is_the_last_200_commits_and_more_can_be_had_later() {
    let workspace = Workspace::new("history::default");
    let mut repository = Repository::new(&workspace.path().join("repo"));
    repository.fill(230);
    let septet = Septet::new(workspace.path());
    let path = repository.path().to_str().expect("text");

    let first = septet.run(&["up", "--repo", path, "--once", "--json"]);
    assert_eq!(first.status.code(), Some(0), "{}", first.stderr);
    let mut lines: Vec<String> = first.stdout.lines().map(str::to_owned).collect();
    let pushed = lines.iter().filter(|line| line.contains(PUSHED)).count();
    assert_eq!(pushed, 200, "{}", first.stderr);
    let wider = septet.ok(&["up", "--repo", path, "--since", "all", "--once", "--json"]);
    lines.extend(wider.lines().map(str::to_owned));
    each_commit_has_one_of_each(&events(&lines), &repository);
}

#[test]
fn planted_secrets_fail_the_gate_at_their_file_and_line_and_never_show() {
    let workspace = Workspace::new("history::planted");
    let mut repository = Repository::new(&workspace.path().join("repo"));
    repository.fill(20);
    let planted = repository.plant();
    let septet = Septet::new(workspace.path());
    let path = repository.path().to_str().expect("text");

    let run = septet.run(&["up", "--repo", path, "--once", "--json"]);
    assert_eq!(run.status.code(), Some(3), "{}", run.stderr);
    let lines: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    has_findings(&events(&lines), &planted);
    // What review keeps and publishes has no secret in it; the diff itself, which devops publishes, does.
    let shown: String = lines.iter().filter(|line| line.contains(REVIEWED)).cloned().collect();
    let kept = std::fs::read(septet.data().join("review.db")).expect("review's database");
    for secret in &planted {
        assert!(!shown.contains(&secret.secret), "{} shows in an event", secret.rule);
        assert!(!run.stderr.contains(&secret.secret), "{} shows in the log", secret.rule);
        let bytes = secret.secret.as_bytes();
        assert!(
            !kept.windows(bytes.len()).any(|some| some == bytes),
            "{} is in review's database",
            secret.rule
        );
    }

    // The table of a later run still knows.
    let table = septet.run(&["up", "--repo", path, "--once"]);
    assert_eq!(table.status.code(), Some(3), "{}", table.stderr);
    assert!(
        table.stdout.contains("23 changes decided: 20 eligible, 3 blocked; 3 findings"),
        "{}",
        table.stdout
    );
    assert!(table.stdout.contains("config/app.py:3"), "{}", table.stdout);
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_to_the_same_events() {
    let workspace = Workspace::new("history::killed");
    let mut random = workspace.random();
    let mut repository = Repository::new(&workspace.path().join("repo"));
    repository.fill(500);
    let septet = Septet::new(workspace.path());
    let path = repository.path().to_str().expect("text");
    let up = ["up", "--repo", path, "--since", "all", "--once", "--json"];

    let mut lines = Vec::new();
    for kill in 0..8 {
        let mut running = septet.start(&up, &format!("killed-{kill}.log"));
        // From before the first event to somewhere in the middle.
        for _ in 0..random.random_range(0..150) {
            match running.line() {
                Some(line) => lines.push(line),
                None => break,
            }
        }
        lines.extend(running.kill());
    }
    let last = septet.run(&up);
    assert_eq!(last.status.code(), Some(0), "{}", last.stderr);
    lines.extend(last.stdout.lines().map(str::to_owned));
    each_commit_has_one_of_each(&events(&lines), &repository);
}

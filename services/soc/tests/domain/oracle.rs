//! What independent references say of the matcher: SigmaHQ's regression data, in which each rule has events on which it must
//! fire, and the hits that another implementation finds in real events.
//!
//! An excerpt of the regression data is in `tests/data`. All of it, and the events, are read where `SEPTET_SOC_DATA` names a
//! directory with `sigma-rules.tar.zst`, `sigma-regression.tar.zst`, `windows-events.jsonl.zst` and `windows-events.hits.tsv`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use septet_soc::{
    sigma::{EventSource, Level, Placeholders, RuleSet, load::add_directory},
    signal::Signal,
};
use serde_json::Value;

/// A rule's events.
struct Case {
    rule_id: String,
    events: Vec<Value>,
    /// On how many of them the rule fires at least: the data counts some rules once that fire on several of their events, such
    /// as two values of the registry that were both set.
    expected: usize,
}

/// The cases below a directory: beside each `info.yml`, a file of events with the rule's id for a name.
fn cases(directory: &Path, cases: &mut Vec<Case>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        if path.is_dir() {
            self::cases(path, cases);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(path).unwrap();
            let events: Vec<Value> =
                serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().unwrap();
            let info = fs::read_to_string(directory.join("info.yml")).unwrap();
            let count = info.lines().find_map(|line| line.trim().strip_prefix("match_count:"));
            let expected = count.map_or(1, |count| count.trim().parse().unwrap());
            let rule_id = path.file_stem().unwrap().to_string_lossy().into_owned();
            cases.push(Case { rule_id, events, expected });
        }
    }
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Checks that every rule fires on its events, found by the log that they are recognised to be of.
#[expect(clippy::print_stdout, reason = "the figure is for whoever reads the test's output")]
fn all_fire(set: &RuleSet, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        assert!(set.rule(&case.rule_id).is_some(), "{} is not loaded", case.rule_id);
        let fired = case.events.iter().filter(|event| {
            let signal = Signal::of_json(&EventSource::default(), object(event));
            let hits = set.evaluate(&signal.source, &signal.fields, Level::Informational);
            hits.iter().any(|hit| hit.loaded.rule.id == case.rule_id)
        });
        let fired = fired.count();
        if fired < case.expected {
            wrong.push(format!("{}: {fired} fire, and {} must", case.rule_id, case.expected));
        }
    }
    println!("{} of {} regression cases fire as they must", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_of_the_excerpt_fires_on_its_events_and_on_no_other() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sigmahq");
    let mut set = RuleSet::default();
    add_directory(&mut set, &data.join("rules"), &Placeholders::new()).unwrap();
    assert!(set.rejected().is_empty(), "{:?}", set.rejected());
    let mut all = Vec::new();
    cases(&data.join("events"), &mut all);
    assert!(all.len() >= 10);
    all_fire(&set, &all);
    // The events were made for one rule each.
    for case in &all {
        for event in &case.events {
            let signal = Signal::of_json(&EventSource::default(), object(event));
            let hits = set.evaluate(&signal.source, &signal.fields, Level::Informational);
            assert!(hits.iter().all(|hit| hit.loaded.rule.id == case.rule_id), "{}", case.rule_id);
            assert!(hits.iter().all(|hit| !hit.matched.is_empty()), "{}", case.rule_id);
        }
    }
}

/// The reference data, unpacked; `None` where it is not there.
struct Reference {
    from: PathBuf,
    to: tempfile::TempDir,
}

impl Reference {
    fn open(test: &str) -> Option<Self> {
        let Some(from) = std::env::var_os("SEPTET_SOC_DATA").map(PathBuf::from) else {
            septet_testkit::skipped(test, "SEPTET_SOC_DATA names no directory with the reference data");
            return None;
        };
        let to = tempfile::tempdir().unwrap();
        for archive in ["sigma-rules.tar.zst", "sigma-regression.tar.zst"] {
            let done = Command::new("tar")
                .args(["--zstd", "-xf"])
                .arg(from.join(archive))
                .current_dir(to.path())
                .status()
                .unwrap();
            assert!(done.success(), "{archive}");
        }
        Some(Self { from, to })
    }

    fn rules(&self) -> RuleSet {
        let mut set = RuleSet::default();
        for folder in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
            add_directory(&mut set, &self.to.path().join(folder), &Placeholders::new()).unwrap();
        }
        set
    }
}

#[test]
fn the_whole_regression_data_fires() {
    let Some(reference) = Reference::open("the_whole_regression_data_fires") else { return };
    let set = reference.rules();
    let reasons: BTreeMap<&str, usize> =
        set.rejected().iter().fold(BTreeMap::new(), |mut reasons, rejected| {
            *reasons.entry(rejected.error.reason.as_str()).or_default() += 1;
            reasons
        });
    println!("{} rules live, {} rejected: {reasons:#?}", set.rules().len(), set.rejected().len());
    for rejected in set.rejected() {
        println!("{}:{}: {}", rejected.file, rejected.error.line, rejected.error.reason);
    }
    let mut all = Vec::new();
    cases(&reference.to.path().join("regression_data"), &mut all);
    assert!(all.len() > 200);
    all_fire(&set, &all);
}

#[test]
fn the_hits_in_real_events_are_those_that_another_implementation_finds() {
    let name = "the_hits_in_real_events_are_those_that_another_implementation_finds";
    let Some(reference) = Reference::open(name) else { return };
    let set = reference.rules();
    let listed = fs::read_to_string(reference.from.join("windows-events.hits.tsv")).unwrap();
    let expected: BTreeSet<(usize, String)> = listed
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(index, id)| (index.parse().unwrap(), id.to_owned()))
        .collect();
    let unpacked = reference.to.path().join("events.jsonl");
    let done = Command::new("zstd")
        .args(["-dqf", "-o"])
        .arg(&unpacked)
        .arg(reference.from.join("windows-events.jsonl.zst"))
        .status()
        .unwrap();
    assert!(done.success());
    let events = fs::read_to_string(&unpacked).unwrap();
    let (mut found, mut untold, mut mapped) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (index, line) in events.lines().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap();
        let signal = Signal::of_json(&EventSource::default(), object(&event));
        if signal.source.is_unknown() {
            untold.insert(index);
        }
        if signal.source.service == "security" && signal.source.category == "process_creation" {
            mapped.insert(index);
        }
        for hit in set.evaluate(&signal.source, &signal.fields, Level::Informational) {
            found.insert((index, hit.loaded.rule.id.clone()));
        }
    }
    // The reference holds an event of which no log is told against every rule, so that a rule for RDP in Zeek fires on calls of
    // AWS. The specification has a log source select the events.
    let missed: Vec<_> = expected.difference(&found).filter(|(index, _)| !untold.contains(index)).collect();
    // The reference has neither of two things that the specification has: the category `registry_event` is three numbers of
    // Sysmon together, which the tags tell apart; and fields of the Security log are mapped to Sysmon's names.
    let more: Vec<_> = found.difference(&expected).collect();
    let unexplained = more.iter().filter(|(index, id)| {
        let category = set.rule(id).map_or("", |loaded| loaded.rule.logsource.category.as_str());
        category != "registry_event" && !mapped.contains(index)
    });
    let unexplained: Vec<_> = unexplained.collect();
    println!(
        "{} of {} reference hits found, {} wrongly missed; {} more, {} of them without a reason",
        expected.intersection(&found).count(),
        expected.len(),
        missed.len(),
        more.len(),
        unexplained.len()
    );
    assert!(missed.is_empty() && unexplained.is_empty(), "{missed:#?} {unexplained:#?}");
}

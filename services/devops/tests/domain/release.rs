//! What follows from what services say, whatever the order in which they say it.

use septet_devops::release::{Alerts, Decision, Known, Said, Word, Words, decide, in_a_line};
use septet_proto_devops::v1::{CheckState, ReleaseState, RepositorySettings};

fn required() -> Vec<String> {
    ["review", "docs", "cost"].map(str::to_owned).into()
}

fn word(said: Said, summary: &str, time: i64) -> Word {
    Word { said, summary: summary.to_owned(), time, event_id: format!("event-{time}") }
}

fn words(said: &[(&str, Said)]) -> Words {
    let mut words = Words::default();
    for (service, said) in said {
        words.hear(service, word(*said, &format!("{service} says so"), 1));
    }
    words
}

fn with(words: &Words, settings: &RepositorySettings, alerts: &Alerts) -> Decision {
    decide(Known { words, settings, required: &required(), alerts })
}

fn plain(words: &Words) -> Decision {
    with(words, &RepositorySettings::default(), &Alerts::default())
}

const ALL: [(&str, Said); 3] = [("review", Said::Passed), ("docs", Said::Passed), ("cost", Said::Passed)];

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, count - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(move |at| insert(order, at))).collect()
}

#[test]
fn it_waits_for_the_required_and_for_nobody_else() {
    assert_eq!(plain(&Words::default()).state, ReleaseState::Pending);
    let two = plain(&words(&ALL[..2]));
    assert_eq!(
        (two.state, two.reasons),
        (ReleaseState::Pending, vec!["cost: has not answered yet".to_owned()])
    );
    let all = plain(&words(&ALL));
    assert_eq!((all.state, all.reasons.len()), (ReleaseState::Eligible, 0));
    let of: Vec<_> = all.checks.iter().map(|check| (check.service.as_str(), check.state())).collect();
    assert_eq!(
        of,
        [
            ("review", CheckState::Passed),
            ("docs", CheckState::Passed),
            ("cost", CheckState::Passed),
            ("cx", CheckState::Skipped),
            ("soc", CheckState::Pending),
            ("pipeline", CheckState::Skipped),
        ]
    );
}

#[test]
fn one_no_blocks_whatever_is_pending() {
    for service in ["review", "docs", "cost", "soc"] {
        let decision = plain(&words(&[(service, Said::Failed)]));
        assert_eq!(decision.state, ReleaseState::Blocked);
        assert_eq!(decision.reasons, [format!("{service}: {service} says so")]);
    }
}

#[test]
fn the_latest_word_counts_in_every_order() {
    let said = [
        ("review", word(Said::Failed, "a secret", 1)),
        ("review", word(Said::Passed, "none left", 5)),
        ("docs", word(Said::Passed, "nothing changed", 2)),
        ("cost", word(Said::Passed, "cheap", 3)),
        ("cost", word(Said::Failed, "dear", 4)),
        ("soc", word(Said::Passed, "quiet", 6)),
    ];
    let outcomes: Vec<Words> = orders(said.len())
        .into_iter()
        .map(|order| {
            let mut words = Words::default();
            order.iter().for_each(|number| words.hear(said[*number].0, said[*number].1.clone()));
            words
        })
        .collect();
    assert_eq!(outcomes.len(), 720);
    for words in &outcomes {
        assert_eq!(words, &outcomes[0]);
        assert_eq!(&Words::from_json(&words.to_json()), words);
    }
    assert_eq!(plain(&outcomes[0]).reasons, ["cost: dear"]);
}

#[test]
fn cx_is_asked_when_nothing_else_stands_in_the_way() {
    let settings = RepositorySettings { flags: vec!["checkout".to_owned()], ..Default::default() };
    let ask = |words: &Words| with(words, &settings, &Alerts::default());
    assert!(!ask(&words(&ALL[..2])).asks_cx);
    let all = ask(&words(&ALL));
    assert_eq!((all.asks_cx, all.state), (true, ReleaseState::Pending));
    let blocked = ask(&words(&[ALL[0], ALL[1], ("cost", Said::Failed)]));
    assert_eq!((blocked.asks_cx, blocked.reasons), (false, vec!["cost: cost says so".to_owned()]));
    for (said, state) in [
        (Said::Waits, ReleaseState::Pending),
        (Said::Passed, ReleaseState::Eligible),
        (Said::Failed, ReleaseState::Blocked),
    ] {
        let mut words = words(&ALL);
        words.hear("cx", word(said, "its word", 1));
        let decision = ask(&words);
        assert_eq!((decision.asks_cx, decision.state), (false, state));
    }
}

#[test]
fn open_critical_alerts_block_and_closed_ones_do_not() {
    let alerts = |open, closed_of_change| Alerts { open, newest: "Odd login".to_owned(), closed_of_change };
    let of = |words: &Words, alerts: &Alerts| with(words, &RepositorySettings::default(), alerts);
    let passed = words(&ALL);
    assert_eq!(of(&passed, &alerts(1, 0)).reasons, ["soc: a critical alert is open: Odd login"]);
    assert_eq!(
        of(&passed, &alerts(3, 0)).reasons,
        ["soc: 3 critical alerts are open, the newest: Odd login"]
    );
    assert_eq!(of(&passed, &alerts(0, 2)).state, ReleaseState::Eligible);
    // What soc found in the change stands until its alerts are closed.
    let mut assessed = words(&ALL);
    assessed.hear("soc", word(Said::Failed, "1 alert", 1));
    assert_eq!(of(&assessed, &alerts(0, 0)).reasons, ["soc: 1 alert"]);
    assert_eq!(of(&assessed, &alerts(0, 1)).state, ReleaseState::Eligible);
}

#[test]
fn tests_of_who_opts_in_run_after_and_can_block() {
    let opted_in = RepositorySettings { run_tests: true, ..Default::default() };
    let of = |words: &Words, settings| with(words, settings, &Alerts::default());
    let mut words = words(&ALL);
    assert_eq!(of(&words, &opted_in).state, ReleaseState::Eligible);
    words.hear("pipeline", word(Said::Failed, "2 tests failed", 9));
    assert_eq!(of(&words, &opted_in).reasons, ["pipeline: 2 tests failed"]);
    assert_eq!(of(&words, &RepositorySettings::default()).state, ReleaseState::Eligible);
}

#[test]
fn settings_that_cannot_be_read_keep_the_gate_shut() {
    let broken = RepositorySettings { error: "line 2: what?".to_owned(), ..Default::default() };
    let decision = with(&words(&ALL), &broken, &Alerts::default());
    assert_eq!(decision.reasons, ["devops: `.septet.toml` cannot be read: line 2: what?"]);
    let line = in_a_line(decision.state, &decision.reasons);
    assert_eq!(line, "blocked: devops: `.septet.toml` cannot be read: line 2: what?");
}

//! FOCUS's own sample rows, against totals that Python's csv and decimal give (`tests/data/totals.py`).

use std::{collections::BTreeMap, path::Path};

use septet_cost::{
    day,
    focus::{Charge, Format, Ledger, Reader, Validator},
};
use serde_json::Value;

/// The sample, where it is there.
pub fn rows() -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cost/focus-1.0-sample.csv");
    let rows = std::fs::read(&path).ok();
    if rows.is_none() {
        septet_testkit::skipped("FOCUS's sample rows", &format!("they are not at {}", path.display()));
    }
    rows
}

#[test]
fn totals_of_the_sample_are_those_of_python_to_the_last_digit() {
    let Some(rows) = rows() else { return };
    let expected: Value = serde_json::from_str(include_str!("../data/sample-totals.json")).unwrap();
    let mut reader = Reader::new(Format::Csv, Validator::default());
    let mut ledger = Ledger::default();
    for piece in rows.chunks(1_000) {
        reader.read(piece).unwrap();
        let charges = reader.charges();
        ledger.enter(charges, &mut reader.summary);
    }
    reader.end().unwrap();
    let charges = reader.charges();
    ledger.enter(charges, &mut reader.summary);
    let summary = reader.summary.message(10);
    assert_eq!(
        (summary.accepted, summary.replaced, summary.duplicates, summary.rejected),
        (1_000, 0, 0, 0),
        "{summary:#?}"
    );

    let plain = |text: String| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    let all = ledger.totals(|_| String::new());
    let all = all[&("USD".to_owned(), String::new())];
    assert_eq!(plain(all.billed.to_string()), expected["billed"]);
    assert_eq!(plain(all.effective.to_string()), expected["effective"]);
    assert_eq!(plain(all.list.to_string()), expected["list"]);
    type Key = fn(&Charge) -> String;
    let keys: [(&str, Key); 5] = [
        ("service", |charge| charge.service.clone()),
        ("region", |charge| charge.region.clone()),
        ("account", |charge| charge.account.clone()),
        ("day", |charge| day::day_text(charge.day)),
        ("environment", |charge| charge.tags.get("environment").cloned().unwrap_or_default()),
    ];
    for (name, key) in keys {
        let got: BTreeMap<String, Value> = ledger
            .totals(key)
            .into_iter()
            .map(|((_, key), total)| {
                let amounts = [total.billed, total.effective].map(|amount| plain(amount.to_string()));
                (key, serde_json::json!([amounts[0], amounts[1], total.charges]))
            })
            .collect();
        let expected: BTreeMap<String, Value> = serde_json::from_value(expected["by"][name].clone()).unwrap();
        assert_eq!(got, expected, "by {name}");
    }
}
